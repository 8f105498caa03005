# The service, for a run that is mounted. Research software, never a medical device.
#
#   docker build -t respllm .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     --stop-timeout 130 -p 127.0.0.1:8000:8000 \
#     -v "$PWD/runs/mine:/model:ro" -v "$PWD/token:/token:ro" respllm --token-file /token \
#     --allowed-host respllm.example
#
# Within the container the service listens on 0.0.0.0, so it needs a token and a name that stands in
# the page's address (--allowed-host; localhost is known anyway). The token's file and the run must
# be readable by user 10001. A run on a pretrained language model also needs its weights:
# -v "$HOME/.cache/huggingface:/hf:ro" -e HF_HOME=/hf
#
# Phones give a page their microphone over HTTPS only: put a proxy with a certificate in front, and
# let it pass the Host header on (nginx: proxy_set_header Host $host; proxy_request_buffering off,
# or the proxy keeps uploads on its own disk).
FROM python:3.11-slim AS build
WORKDIR /source
RUN python -m venv /opt/respllm
ENV PATH=/opt/respllm/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# The pinned versions; torch's without what only a GPU needs, as in the README.
COPY constraints.txt pyproject.toml README.md LICENSE LICENSE-WEIGHTS ./
COPY src ./src
RUN pip install uv \
    && uv pip install --python /opt/respllm/bin/python --torch-backend=cpu -c constraints.txt .

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin respllm
COPY --from=build /opt/respllm /opt/respllm
# Nothing is written but to /tmp, which may be in memory.
ENV PATH=/opt/respllm/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/tmp RESPLLM_CACHE=/tmp/cache HF_HUB_OFFLINE=1 OMP_WAIT_POLICY=passive
USER 10001:10001
WORKDIR /
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["respllm", "serve", "/model", "--host", "0.0.0.0", "--port", "8000"]
