#!/usr/bin/env python3
"""Changes of the model in use under load: python3 benches/swap.py vi-2026-11b vi-2026-11c --changes 100

Serves from a folder of links to two models, changes between them every few seconds while two
clients ask for scores, and tells how many requests failed, how many answers came from more than one
model, and the memory after each change. One JSON line on standard output.
"""
import argparse, json, os, pathlib, re, tempfile, threading, time

from load import ROOT, Service, body


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("models", nargs=2)
    ap.add_argument("--program", default=str(ROOT / "target/release/thatgia"))
    ap.add_argument("--changes", type=int, default=24)
    ap.add_argument("--every", type=float, default=3.0)
    a = ap.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for model in a.models:
            (folder / model).symlink_to(ROOT / "models" / model)
        (folder / "live").write_text(a.models[0])
        settings = {"THATGIA__SCORING__MODELS_DIR": str(folder), "THATGIA__SCORING__FOLLOW_S": "1"}
        with Service(a.program, **settings) as service:
            stop, failed, mixed, seen, memory = threading.Event(), [], [], {}, []

            def ask():
                connection = service.connect()
                headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
                while not stop.is_set():
                    connection.request("POST", "/v1/score", body(6), headers)
                    answer = connection.getresponse()
                    text = answer.read()
                    if answer.status != 200:
                        failed.append(answer.status)
                        continue
                    models = {result["model"] for result in json.loads(text)["results"]}
                    if len(models) != 1:
                        mixed.append(sorted(models))
                    for model in models:
                        seen[model] = seen.get(model, 0) + 1

            clients = [threading.Thread(target=ask) for _ in range(2)]
            for client in clients:
                client.start()
            for change in range(1, a.changes + 1):
                (folder / "live.new").write_text(a.models[change % 2])
                os.rename(folder / "live.new", folder / "live")
                time.sleep(a.every)
                status = pathlib.Path(f"/proc/{service.process.pid}/status").read_text()
                memory.append(int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) // 1024)
            stop.set()
            for client in clients:
                client.join()
            print(json.dumps({"changes": a.changes, "requests": seen, "failed": len(failed), "mixed": len(mixed), "rss_mb": memory}))


if __name__ == "__main__":
    main()
