"""Programs that try to break what is promised; docs/reliability.md has what they gave."""
