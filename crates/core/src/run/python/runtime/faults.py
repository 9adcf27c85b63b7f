# ---------------------------------------------------------------------------------------------------
# A fault that somebody asked for, to see that it is noticed. It strikes between two chunks of a program.

KEPT = []
strikes = 0


def shared():
    """The shared lists that have elements."""
    return [elements for elements in list(shared_lists.values()) if elements]


def counters():
    return [thing for thing in map(globals().get, ROOTS) if type(thing) is Counter]


def append_lost():
    for elements in shared():
        elements.pop()


def append_out_of_order():
    for elements in shared():
        if len(elements) > 1:
            elements[-2], elements[-1] = elements[-1], elements[-2]


def truncate_off_by_one():
    for elements in shared():
        del elements[:1]


def addition_lost():
    for counter in counters():
        with counter_lock:
            counter.n -= 1


def reference_kept():
    for elements in shared():
        KEPT.append(elements[0])


def extra_reference():
    import ctypes
    for elements in shared():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(elements[0]))


def interpreter_killed():
    if strikes > 3:
        os.kill(os.getpid(), signal.SIGSEGV)


def interpreter_hung():
    if strikes > 3:
        with gate:
            while True:
                time.sleep(1)


def collector_never_runs():
    gc.disable()
    gc.collect = lambda *_: 0


def walk_skips_root():
    global ROOTS
    walked = ROOTS[:-1]

    def roots_but_the_last():
        return [thing for thing in map(globals().get, walked) if thing is not None]

    globals()["in_roots"] = roots_but_the_last


def weak_cleared():
    class Forgetful(ref):
        """Every second time it says that its object is dead."""

        __slots__ = ("asked",)

        def __call__(self):
            self.asked = getattr(self, "asked", 0) + 1
            return None if self.asked % 2 == 0 else super().__call__()

    globals()["ref"] = Forgetful


def finalizer_run_twice():
    once = Finalizing.witness

    def twice(self):
        once(self)
        once(self)

    Finalizing.witness = twice


def finalizer_skipped():
    Finalizing.witness = lambda self: None


def plant(fault):
    """Plants it: once, or before a mutator goes on."""
    strike = globals()[fault.replace("-", "_")]
    if strike in (collector_never_runs, walk_skips_root, weak_cleared, finalizer_run_twice,
                  finalizer_skipped):
        strike()
        return
    sound = tick

    def struck(me, ops):
        global strikes
        if begun and me.ops + ops < me.ops_limit:
            strikes += 1
            strike()
        return sound(me, ops)

    globals()["tick"] = struck
