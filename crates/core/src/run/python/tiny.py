import faulthandler, json, os, signal, sys, time
faulthandler.enable(all_threads=True)
faulthandler.register(signal.SIGUSR1, all_threads=True)
out = open(sys.argv[sys.argv.index("--report") + 1], "w")
def tell(**what):
    out.write(json.dumps(what) + "\n"); out.flush()
stop = []
for s in (signal.SIGINT, signal.SIGTERM):
    signal.signal(s, lambda *_: stop.append(1))
tell(interpreter={"version": sys.version})
tell(started=int(time.time() * 1000))
start = time.perf_counter_ns()
how = os.environ.get("TINY", "")
n = 0
while not stop and time.perf_counter_ns() - start < 2e9:
    for _ in range(100000): n += 1
    tell(progress={"ops": n, "elapsed_ns": time.perf_counter_ns() - start})
    if how == "die": os.kill(os.getpid(), signal.SIGSEGV)
    if how == "hang":
        signal.signal(signal.SIGINT, lambda *_: None)
        while True: time.sleep(1)
    if how == "rubbish": print("rubbish", flush=True)
    if how == "raise": raise MemoryError
    if how == "kill": os.kill(os.getpid(), 9)
tell(done={})
