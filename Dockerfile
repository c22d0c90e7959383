# Rowen in a container: see docs/how-to/run-with-docker.md.
FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/rowen
COPY . .
RUN /opt/rowen/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.13-slim
# By number, so that Kubernetes can see that it is not root.
RUN groupadd --system --gid 10001 rowen \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin rowen \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/rowen /opt/rowen
ENV PATH=/opt/rowen/bin:$PATH \
    ROWEN_DATABASE=sqlite:////data/rowen.db \
    ROWEN_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Rowen stops within 8 seconds of SIGTERM, less than the 10 after which Docker kills.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["rowen"]
CMD ["serve"]
