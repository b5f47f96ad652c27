"""A Kubernetes API written by others: kmock's emulator, driven line by line.

Prints `URL http://...` first. Then each line of standard input is JSON and is answered by one line:
  {"pod": {...}}                  a pod is there, or is as it says now
  {"job": NAME, "status": {...}}  the Job's status
  {"log": POD, "text": "..."}     what the pod's log is answered with from now on
  {"asked": true}                 answers `ASKED [["POST", "/apis/..."], ...]`
Ends with its standard input.
"""

import asyncio
import json
import sys

import kmock

NAMESPACE = "runbooks"
JOBS = kmock.resource("batch", "v1", "jobs")
PODS = kmock.resource("", "v1", "pods")


def obey(api, line):
    if "pod" in line:
        pod = line["pod"]
        key = (PODS, NAMESPACE, pod["metadata"]["name"])
        if key in api.objects:
            api.objects[key].patch(pod)
        else:
            api.objects[key] = pod
    elif "status" in line:
        api.objects[JOBS, NAMESPACE, line["job"]].patch({"status": line["status"]})
    elif "text" in line:
        path = "get /api/v1/namespaces/%s/pods/%s/log" % (NAMESPACE, line["log"])
        api[path] << line["text"].encode()
    elif "asked" in line:
        asked = [[r.method.name, str(r.url.path)] for r in api]
        return "ASKED " + json.dumps(asked)
    else:
        raise SystemExit("not understood: %r" % line)
    return "DONE"


async def main():
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with kmock.KubernetesEmulator() as api, kmock.Server(api) as server:
        api.resources[JOBS] = {"kind": "Job", "verbs": ["get", "list", "watch", "create", "delete"], "namespaced": True}
        api.resources[PODS] = {"kind": "Pod", "verbs": ["get", "list", "watch"], "namespaced": True}
        print("URL", str(server.url).rstrip("/"), flush=True)
        while line := await lines.readline():
            print(obey(api, json.loads(line)), flush=True)


asyncio.run(main())
