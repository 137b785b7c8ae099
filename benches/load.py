#!/usr/bin/env python3
"""The service under load, from outside: python3 benches/load.py --program target/release/thatgia

Starts the program on a free port with a store of its own, and measures, with the demo's listings:

  idle      one listing a request, nothing else going on; what the service adds to the scoring
  bulk      batches of 256 over two connections, against `thatgia bench pipeline` in process
  beside    one listing a request while bulk goes on
  overload  ten times the connections that keep the service busy, with a short queue: goodput and
            how long a refusal takes

Needs Python 3 alone. One JSON line a result on standard output.
"""
import argparse, http.client, json, os, pathlib, re, statistics, subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LISTINGS = [json.loads(line) for line in (ROOT / "datasets/demo/listings.jsonl").read_text().splitlines()]


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else float("nan")


def body(count, start=0):
    chosen = [LISTINGS[(start + i) % len(LISTINGS)] for i in range(count)]
    return json.dumps({"listings": chosen}, ensure_ascii=False).encode()


class Service:
    """The program, with an environment of settings, until the block ends."""

    def __init__(self, program, **settings):
        self.program = program
        self.env = {**os.environ, "THATGIA__LOG__LEVEL": "warn", **settings}

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [self.program, "serve", "--bind", "127.0.0.1:0", "--data", self.dir.name],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.env, cwd=ROOT)
        self.key = self.port = None
        for line in self.process.stdout:
            if found := re.match(r"\s+(tg\S+|\S{30,})\s*$", line):
                self.key = self.key or found.group(1)
            if found := re.search(r"127\.0\.0\.1:(\d+)", line):
                self.port = int(found.group(1))
                break
        while True:
            try:
                if self.request(self.connect(), "GET", "/readyz", b"")[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.1)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.dir.cleanup()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def request(self, connection, method, path, data):
        """Status, seconds, and the stages that the service names, in seconds."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        began = time.perf_counter()
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        answer.read()
        took = time.perf_counter() - began
        stages = re.findall(r"(\w+);dur=([\d.]+)", answer.getheader("server-timing") or "")
        return answer.status, took, {name: float(ms) / 1e3 for name, ms in stages}


def run_for(seconds, threads, job):
    """Calls job(thread, stop time) on some threads at once; what they return."""
    results, until = [], time.perf_counter() + seconds
    work = [threading.Thread(target=lambda i=i: results.append(job(i, until))) for i in range(threads)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    return results


def single(service, seconds, tier):
    """One listing a request, one after the other: whole times and what is not scoring."""
    connection, whole, added, at = service.connect(), [], [], 0
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        status, took, stages = service.request(connection, "POST", f"/v1/score?tier={tier}", body(1, at))
        assert status == 200, status
        at += 1
        whole.append(took)
        added.append(took - stages["score"])
    return whole, added


def bulk(service, seconds, connections, tier, size=256):
    """Batches on some connections: listings a second, and the seconds of refusals."""
    def job(i, until):
        connection, done, refused = service.connect(), 0, []
        while time.perf_counter() < until:
            status, took, _ = service.request(connection, "POST", f"/v1/score?tier={tier}", body(size, 97 * i))
            if status == 200:
                done += size
            else:
                assert status == 429, status
                refused.append(took)
                time.sleep(0.02)
        return done, refused, time.perf_counter()
    began = time.perf_counter()
    results = run_for(seconds, connections, job)
    took = max(r[2] for r in results) - began
    return sum(r[0] for r in results) / took, [t for r in results for t in r[1]]


def say(**what):
    print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in what.items()}), flush=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--program", default=str(ROOT / "target/release/thatgia"))
    ap.add_argument("--seconds", type=float, default=10)
    a = ap.parse_args()
    for tier in ("fast", "auto"):
        out = subprocess.run(
            [a.program, "bench", "pipeline", "--tier", tier, "--threads", str(os.cpu_count()), "--cases", "256",
             "--variant", "json", "--repeat", "15" if tier == "auto" else "200", "--json"],
            capture_output=True, text=True, check=True, cwd=ROOT).stdout
        inside = json.loads(out)["items_per_s"]
        with Service(a.program) as service:
            whole, added = single(service, a.seconds, tier)
            idle = quantile(whole, 0.99)
            say(case="idle", tier=tier, requests=len(whole), p50_ms=1e3 * statistics.median(whole), p99_ms=1e3 * idle,
                added_p50_ms=1e3 * statistics.median(added), added_p99_ms=1e3 * quantile(added, 0.99))
            peak, _ = bulk(service, a.seconds, 4, tier)
            say(case="bulk", tier=tier, listings_per_s=peak, in_process=inside, share=peak / inside)
            background = threading.Thread(target=lambda: bulk(service, a.seconds + 2, 4, tier))
            background.start()
            time.sleep(1)
            whole, _ = single(service, a.seconds, tier)
            background.join()
            say(case="beside bulk", tier=tier, requests=len(whole), p50_ms=1e3 * statistics.median(whole),
                p99_ms=1e3 * quantile(whole, 0.99), p99_over_idle=quantile(whole, 0.99) / idle)
        with Service(a.program, THATGIA__SERVER__QUEUE_ITEMS="1024") as service:
            goodput, refused = bulk(service, a.seconds, 40, tier)
            say(case="overload", tier=tier, connections=40, listings_per_s=goodput, share_of_peak=goodput / peak,
                refused=len(refused), refused_p50_ms=1e3 * quantile(refused, 0.5), refused_p99_ms=1e3 * quantile(refused, 0.99))


if __name__ == "__main__":
    sys.exit(main())
