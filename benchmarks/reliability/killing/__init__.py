"""Work that is ended by SIGKILL, and what must be on disk then."""
