# An honest subject, written out so that each of the liars in conformance.rs can change one thing in it.
import mmap, os, sys, time

now, ballast = time.monotonic_ns, None
PLAIN = "page=4k mapping=private touch=written order=sequential state=hot vmas=0 threads=0 busy=0 fds=0".split()

def hold(asked, size):
    global ballast
    if not set(PLAIN) <= set(asked):
        return f"skip this subject holds nothing but {' '.join(PLAIN)}"
    ballast = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) if size else None
    if ballast:
        ballast.madvise(mmap.MADV_NOHUGEPAGE)
        ballast.write(b"1" * size)
    return f"receipt pid={os.getpid()} ballast={size} unverified=rss,flags,order,threads,vmas,fds"

def iterate():
    t0 = now()
    child = os.fork() or os._exit(7)
    call = now() - t0
    assert os.waitpid(child, 0) == (child, 7 << 8), "it was another child, or it ended otherwise"
    return call, now() - t0

def measure(mechanism, plain, stamped=0, warmup=0, **_):
    if mechanism != "fork":
        return f"fail `{mechanism}` is no mechanism of this subject"
    warm = [iterate() for _ in range(int(warmup))]
    begin = now()
    samples = [iterate() for _ in range(int(plain) + int(stamped))]
    wall = now() - begin
    lines = ["sample call=%d reap=%d" % sample for sample in samples]
    timed = sum(reap for _, reap in samples)
    return "\n".join(lines + [f"done iterations={len(samples)} wall={wall} timed={timed}"])

print(f"subject protocol=1 pid={os.getpid()} mechanisms=fork", flush=True)
for line in sys.stdin:
    word, *asked = line.split() or ["#"]
    keys = dict(pair.split("=", 1) for pair in asked if "=" in pair)
    if word == "end": break
    elif word == "cpu": os.sched_setaffinity(0, {int(asked[0])})
    elif word == "hold": print(hold(asked, int(keys["bytes"])), flush=True)
    elif word == "time": print(measure(**keys), flush=True)
    elif word not in ("forkbench", "exec") and word[0] != "#": print(f"fail {word}?", flush=True)
