# ---------------------------------------------------------------------------------------------------
# The run itself, and its report: one JSON object a line.

report = None
reporting = threading.Lock()


def say(what):
    """Reports something."""
    if report is not None:
        with reporting:
            report.write(json.dumps(what) + "\n")
            report.flush()


def interpreter():
    """Which interpreter this is."""
    flag = sysconfig.get_config_var
    return {
        "version": sys.version,
        "implementation": sys.implementation.name,
        "executable": sys.executable,
        "build": flag("CONFIG_ARGS") or "",
        "free_threaded_build": bool(flag("Py_GIL_DISABLED")),
        "gil_enabled": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "jit": bool(getattr(getattr(sys, "_jit", None), "is_enabled", lambda: False)()),
        "switch_interval_ns": round(sys.getswitchinterval() * 1e9),
        "gc_thresholds": gc.get_threshold(),
        "gc_frozen": gc.get_freeze_count(),
        "clock": time.get_clock_info("perf_counter").implementation,
        "clock_overhead_ns": clock_overhead(),
    }


def clock_overhead():
    """What two readings of the clock are apart with nothing in between: the median of many."""
    costs = []
    for _ in range(1001):
        t0 = now()
        t1 = now()
        costs.append(t1 - t0)
    return sorted(costs)[500]


def collections():
    stats = gc.get_stats()
    return (sum(each["collections"] for each in stats), stats[-1]["collections"],
            sum(each["collected"] for each in stats))


def resident():
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


class Probe(threading.Thread):
    """How long a thread has to wait that wants to run once in a millisecond."""

    def __init__(self):
        super().__init__(daemon=True)
        self.late = array.array("Q")
        self.over = False

    def run(self):
        while not self.over:
            begun_at = now()
            time.sleep(0.001)
            if begun:
                self.late.append(max(now() - begun_at - 1_000_000, 0))


class Callbacks:
    """How long collections take, by `gc.callbacks`, which change when they happen."""

    def __init__(self):
        self.times, self.began = array.array("Q"), 0

    def __call__(self, phase, info):
        if phase == "start":
            self.began = now()
        elif begun and not released:
            self.times.append(now() - self.began)


def binned(times):
    """Times and how often each was taken, as two lists."""
    sums = collections_counter(times)
    coarse(sums)
    pairs = sorted(sums.items())
    return [[pair[0] for pair in pairs], [pair[1] for pair in pairs]]


def all_times(what):
    """The times of all mutators, by kind."""
    kinds = {}
    for seat in seats:
        seat.bin(0)
        for (of, kind), sums in seat.binned.items():
            if of == what:
                kinds.setdefault(kind, collections_counter()).update(sums)
    return {kind: binned(sums) for kind, sums in kinds.items()}


def history():
    """What was recorded, in the order of each mutator."""
    return [
        {"closed_at": seat.closed_at, "lost": seat.lost,
         "events": [[topic, "%d %d %d %s = %s" % (start, end, seat.number, call, answer)]
                    for topic, start, end, call, answer in seat.events]}
        for seat in seats
    ]


def stop(*_):
    """SIGINT and SIGTERM: what was done until now is judged."""
    global stopping, wanted, interrupted
    interrupted = stopping = wanted = True


def watch():
    """Watches the mutators until all are done; surveys them when they stand still."""
    global begun, started, pausing, wanted, stopping, surveyed
    with gate:
        while not all(seat.arrived for seat in seats):
            gate.wait(0.1)
        before = collections()
        started = now()
        say({"started": round(time.time() * 1000)})
        begun = True
        gate.notify_all()
    deadline = None if SECONDS is None else started + int(SECONDS * 1e9)
    made = 0
    next_progress = started
    while True:
        with gate:
            if all(seat.parked for seat in seats):
                if all(seat.done for seat in seats):
                    break
                say({"survey": survey("pause")})
                made += 1
                pausing, wanted = False, stopping or anybody_done()
                surveyed += 1
                for seat in seats:
                    # They count as going on from here, or this would be done again before they do.
                    seat.parked = seat.done
                gate.notify_all()
            else:
                gate.wait(0.05)
        at = now()
        if deadline is not None and at >= deadline:
            stopping = wanted = True
        if at >= next_progress:
            next_progress = at + 100_000_000
            ops = sum(seat.ops for seat in seats)
            counted = collections()[0] - before[0]
            say({"progress": {"elapsed_ns": at - started, "ops": ops, "rss_bytes": resident(),
                              "collections": counted, "surveys": made, "steps": made}})
    with gate:
        say({"survey": survey("end")})
    release()
    say({"survey": teardown()})
    return before, made + 2


def anybody_done():
    """Whether those in the background are to end: nobody else is left."""
    return not any(not seat.background and not seat.done for seat in seats)


def release():
    """Lets all mutators go, and empties the shared roots."""
    global released
    with gate:
        released = True
        gate.notify_all()
    for seat in seats:
        if seat.thread is not None:
            seat.thread.join()
        seat.stays = None
    for name in ROOTS:
        globals()[name] = None


def main():
    global report
    parser = argparse.ArgumentParser(description="A workload of gcstorm on this interpreter.")
    parser.add_argument("--report", help="where to write what happened, as JSON lines")
    path = parser.parse_args().report
    if path:
        report = open(path, "w", buffering=1)
    faulthandler.enable()
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    say({"interpreter": interpreter()})
    make_shared()
    for number, (name, function, background, rounds) in enumerate(MUTATORS):
        seats.append(Seat(number, name, function, background, rounds))
    probe = Probe() if TIMING != "off" else None
    if probe:
        probe.start()
    callbacks = Callbacks() if GC_CALLBACKS else None
    if callbacks:
        gc.callbacks.append(callbacks)
    for seat in seats:
        seat.start()
    before, made = watch()
    if probe:
        probe.over = True
    counted = collections()
    done = {
        "interrupted": interrupted,
        "elapsed_ns": max(seat.elapsed_ns for seat in seats),
        "surveys_made": made,
        "collections": counted[0] - before[0],
        "full_collections": counted[1] - before[1],
        "cycles_freed": counted[2] - before[2],
        "rss_bytes_peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "service": all_times("service"),
        "response": all_times("response"),
        "late": binned(probe.late) if probe else None,
        "pauses": binned(callbacks.times) if callbacks else None,
        "clock_overhead_ns": clock_overhead(),
        "history": history() if HISTORY else None,
        "mutators": [
            {"elapsed_ns": seat.elapsed_ns, "rounds": seat.rounds, "state": handed_over(seat),
             "lost": seat.lost, "forced": seat.forced, 
             "weak_wrong": seat.weak_wrong,
             "others_ops": others(seat), "interleavings": seat.interleavings,
             "gap_ops": seat.gap_ops, "gap_ns": seat.gap_ns,
             "gap_ran_ns": seat.gap_ran_ns, "gap_starved_ns": seat.gap_starved_ns}
            for seat in seats
        ],
    }
    say({"done": done})
    if report is None:
        summary(done)


def summary(done):
    """For people."""
    seconds = done["elapsed_ns"] / 1e9
    print("%s, seed %d, on Python %s" % (WORKLOAD, SEED, sys.version.split()[0]))
    for seat in seats:
        print("  %-20s %12d operations, %6d rounds" % (seat.name, seat.ops, seat.rounds))
    print("  %.2f s, %d collections, %d MiB at most" % (
        seconds, done["collections"], done["rss_bytes_peak"] >> 20))
