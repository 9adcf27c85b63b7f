# ---------------------------------------------------------------------------------------------------
# Threads: they start together, and stand still between two chunks of their program when asked to.

gate = threading.Condition()
seats = []
wanted = False  # somebody is to stand still, or to stop
pausing = stopping = begun = released = False
interrupted = False
started = 0


class Seat:
    """One mutator: what it has done, for others to read."""

    def __init__(self, number, name, function, background, rounds):
        self.number, self.name, self.function = number, name, function
        self.background = background
        self.rounds_limit = ROUNDS if ROUNDS is not None else rounds
        self.ops_limit = sys.maxsize if OPS is None else OPS
        self.first = self.n = number
        self.ops = self.setup_ops = self.rounds = self.seen = 0
        self.gap_ops = self.gap_ns = self.gap_since = 0
        self.until_pause = VERIFY_EVERY or sys.maxsize
        self.arrived = self.parked = self.done = self.lost = False
        self.elapsed_ns = 0
        self.regions = self.tallies = self.registers = ()
        self.thread = None

    def draws(self, place):
        """What was drawn at this place of the program, over and over."""
        kind, text = DRAWS.get((self.number, place), ("B", ""))
        drawn = array.array(kind)
        drawn.frombytes(base64.b64decode(text))
        if sys.byteorder == "big":
            drawn.byteswap()
        return cycle(drawn) if drawn else repeat(0)

    def rounds_by(self, most):
        """How many rounds to do next, until all are done."""
        left = sys.maxsize if self.rounds_limit is None else self.rounds_limit
        return chunks(left, most)

    def ready(self):
        """Waits for the common start."""
        with gate:
            self.setup_ops, self.ops = self.ops, 0
            self.arrived = True
            gate.notify_all()
            while not begun:
                gate.wait()
        return wanted

    def stall(self, seconds):
        """Does nothing for a while, as a thread that the system does not run."""
        until = time.monotonic() + seconds
        while not stopping:
            left = until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, 0.05))
        self.seen = others(self)

    def finish(self):
        """It has nothing left to do."""
        self.done = True

    def run(self):
        """The life of its thread, or one stay of it: see `yield` in the program."""
        try:
            if self.stays is None:
                self.stays = self.function(self)
            if self.stays is not None:
                for _ in self.stays:
                    self.start()
                    return
        except MemoryError:
            self.fail("out_of_memory", {"mutator": self.name})
        except BaseException as error:
            text = "%s: %s" % (type(error).__name__, error)
            self.fail("panicked", {"mutator": self.name, "message": text})

    stays = None

    def start(self):
        self.thread = threading.Thread(target=self.run, name=self.name, daemon=True)
        self.thread.start()

    def fail(self, how, what):
        global stopping, wanted
        say({how: what})
        with gate:
            self.lost = self.arrived = self.parked = self.done = True
            stopping = wanted = True
            gate.notify_all()


def chunks(count, most):
    """`count` in parts."""
    while count > most:
        yield most
        count -= most
    if count:
        yield count


def others(me):
    done = -me.ops
    for seat in seats:
        done += seat.ops
    return done


def tick(me, ops):
    """A mutator has done something; says whether it is to stand still."""
    global pausing, wanted
    me.ops += ops
    done = -me.ops
    for seat in seats:
        done += seat.ops
    gap = done - me.seen
    me.seen = done
    if gap > me.gap_ops:
        me.gap_ops = gap
    if me.ops >= me.ops_limit:
        me.done = True
        return True
    me.until_pause -= ops
    if me.until_pause <= 0:
        me.until_pause = VERIFY_EVERY
        pausing = wanted = True
    return wanted


def park(me, n, regions, tallies, registers):
    """Stands still, and says whether that was the end. `registers` are looked at meanwhile."""
    global wanted
    with gate:
        if stopping or (me.background and not any(not s.background and not s.done for s in seats)):
            me.done = True
        if not me.done and not pausing:
            return False
        me.n, me.regions, me.tallies, me.registers = n, regions, tallies, registers
        if me.done and not me.elapsed_ns:
            me.elapsed_ns = now() - started
            if not me.background:
                wanted = True  # those in the background may have to end now
        me.parked = True
        gate.notify_all()
        while (not released) if me.done else pausing:
            gate.wait()
        me.parked = False
        me.registers = ()
    me.seen = others(me)
    return me.done
