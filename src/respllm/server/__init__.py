"""The service: a model behind HTTP, and the page in front of it. Start it: `respllm serve RUN`."""
