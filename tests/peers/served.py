"""The answers of TensorBoard's plugins to a dashboard, requested in this process."""
from __future__ import annotations

from typing import Any, Dict

import numpy as np
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.projector import projector_plugin
from werkzeug.test import Client


class Plugin:
    """One plugin of TensorBoard over the data of a loader."""

    def __init__(self, kind: Any, logdir: Any, data: Any) -> None:
        self._apps = kind(base_plugin.TBContext(logdir=str(logdir), data_provider=data)
                          ).get_plugin_apps()

    def post(self, path: str, **json: Any) -> Any:
        return self._answer(Client(self._apps[path]).post("/", json=json)).get_json()

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(Client(self._apps[path]).get("/", query_string=query))

    @staticmethod
    def _answer(response: Any) -> Any:
        assert response.status_code == 200, (response.status_code, response.get_data()[:200])
        return response


def embedding(logdir: Any) -> Dict[str, Any]:
    """The projector's data of the only embedding: points, labels, size of the sprite."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    plugin = Plugin(projector_plugin.ProjectorPlugin, logdir,
                    data_provider.MultiplexerDataProvider(multiplexer, str(logdir)))
    run = plugin.get("/runs").get_json()[0]
    info, = [one for one in plugin.get("/info", run=run).get_json()["embeddings"]
             if one["tensorName"].startswith("tag")]
    name = info["tensorName"]
    raw = plugin.get("/tensor", run=run, name=name).get_data()
    shown: Dict[str, Any] = {
        "points": np.frombuffer(raw, "<f4").reshape(info["tensorShape"]).tolist()}
    if info.get("metadataPath"):
        lines = plugin.get("/metadata", run=run, name=name).get_data().decode().split("\n")
        shown["labels"] = [line for line in lines if line]
    if info.get("sprite"):
        shown["tile"] = info["sprite"]["singleImageDim"]
        shown["sprite"] = plugin.get("/sprite_image", run=run, name=name).get_data().hex()
    return shown
