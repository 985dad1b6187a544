# The app in a container, as on a Space with its own Docker image: uid 1000, port 7860, runs in /data.
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 person && mkdir /data && chown person /data
USER person
WORKDIR /home/person/app
ENV PATH=/home/person/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PLAYGROUND_HOME=/data \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860

# On the processor torch's own index has a build without CUDA, gigabytes smaller: --build-arg TORCH_INDEX=...
ARG TORCH_INDEX=
COPY --chown=person requirements.txt .
RUN pip install --no-cache-dir --user ${TORCH_INDEX:+--extra-index-url $TORCH_INDEX} -r requirements.txt

COPY --chown=person app.py LICENSE README.md ./
COPY --chown=person assets assets
COPY --chown=person docs/lesson-plan.md docs/
COPY --chown=person playground playground

EXPOSE 7860
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=90s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/playground/status', timeout=8)"
CMD ["python", "app.py"]
