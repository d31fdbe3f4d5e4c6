#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bridge between signalbox and the grainchain library.

JSON, one object per line, on stdin and stdout; engine/service/grainchain.h has the
protocol. In signalbox.yaml:

    services:
      - {name: grainchain, kind: grainchain, provider: local,
         command: [python3, /usr/local/share/signalbox/grainchain-bridge.py]}

It needs the library (github.com/codegen-sh/grainchain, Python 3.11 or newer), and the
keys of the provider in the service's `env`. Sandboxes end with their bridge.
"""

import asyncio
import base64
import dataclasses
import json
import logging
import os
import sys

from grainchain import Sandbox, SandboxConfig

sandboxes = {}


async def create(params):
    config = SandboxConfig(
        timeout=params.get("timeout", 300),
        working_directory=params.get("cwd", "."),
        environment_vars=params.get("env", {}),
    )
    sandbox = Sandbox(provider=params.get("provider"), config=config)
    await sandbox.create()
    sandboxes[sandbox.sandbox_id] = sandbox
    return {
        "sandbox_id": sandbox.sandbox_id,
        "provider": sandbox.provider_name,
        "status": sandbox.status.value,
    }


async def execute(sandbox, params):
    result = await sandbox.execute(
        params["command"],
        timeout=params.get("timeout"),
        working_dir=params.get("cwd"),
        environment=params.get("env"),
    )
    return dataclasses.asdict(result)


async def upload(sandbox, params):
    await sandbox.upload_file(params["path"], base64.b64decode(params["b64"]), "wb")
    return {}


async def download(sandbox, params):
    data = await sandbox.download_file(params["path"])
    data = data if isinstance(data, bytes) else data.encode()
    return {"b64": base64.b64encode(data).decode()}


async def snapshot(sandbox, params):
    return {"snapshot_id": await sandbox.create_snapshot()}


async def restore(sandbox, params):
    await sandbox.restore_snapshot(params["snapshot_id"])
    return {}


async def close(sandbox, params):
    await sandbox.close()
    del sandboxes[params["sandbox_id"]]
    return {}


METHODS = {f.__name__: f for f in (execute, upload, download, snapshot, restore, close)}


async def answer(request):
    params = request.get("params", {})
    try:
        if request["method"] == "create":
            return {"id": request["id"], "result": await create(params)}
        sandbox = sandboxes[params["sandbox_id"]]
        result = await METHODS[request["method"]](sandbox, params)
        return {"id": request["id"], "result": result}
    except Exception as error:  # the other side wants to know, whatever it is
        return {
            "id": request["id"],
            "error": {"type": type(error).__name__, "message": str(error)},
        }


async def main():
    loop = asyncio.get_running_loop()
    # What the library prints must not get between the answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        reply = await answer(json.loads(line))
        out.write(json.dumps(reply, default=str) + "\n")
        out.flush()
    for sandbox in list(sandboxes.values()):
        await sandbox.close()


logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
asyncio.run(main())
