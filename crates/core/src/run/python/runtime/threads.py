# ---------------------------------------------------------------------------------------------------
# Threads: they start together, and stand still between two chunks of their program when asked to.

gate = threading.Condition()
seats = []
wanted = False  # somebody is to stand still, or to stop
pausing = stopping = begun = released = False
interrupted = False
surveyed = 0  # pauses that are over
started = 0


LOOK_EVERY = 10_000_000  # nanoseconds between two looks how long a thread had to wait for a processor
ran = time.process_time_ns  # how long all threads together have run


def starved():
    """How long this thread has been ready to run while the machine ran something else, in nanoseconds."""
    try:
        with open("/proc/thread-self/schedstat") as stat:
            return int(stat.read().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


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
        self.interleavings = 0
        self.gap_ran_ns = self.ran_since = self.gap_starved_ns = 0
        self.starved_ns = self.looked = 0  # as of the last look, and when that was
        self.until_pause = VERIFY_EVERY or sys.maxsize
        self.spacings = self.draws("collect") if COLLECT else None
        self.until_collection = next(self.spacings) if COLLECT else sys.maxsize
        self.forced = 0
        self.due_gaps, self.due_at = None, 0
        self.times, self.lates, self.binned = {}, {}, {}
        self.books = {}
        self.events, self.is_full, self.closed_at = [], False, None
        self.weak_wrong, self.weak_pairs = nothing(), ()
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
        self.gap_since, self.ran_since = started, ran()
        return wanted

    def stall(self, seconds):
        """Does nothing for a while, as a thread that the system does not run."""
        until = time.monotonic() + seconds
        while not stopping:
            left = until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, 0.05))
        self.seen, self.gap_since, self.ran_since = others(self), now(), ran()

    def due(self):
        """Waits until the next operation of a mutator with a rate is due, and says when that was."""
        if self.due_gaps is None:
            self.due_gaps = self.draws("due")
        self.due_at += next(self.due_gaps)
        at = started + self.due_at
        while not wanted:
            left = at - now()
            if left <= 0:
                break
            time.sleep(min(left / 1e9, 0.005))
        return at

    def finish(self):
        """It has nothing left to do."""
        self.done = True

    def took(self, kind):
        """Where the times of these operations go."""
        return self.times.setdefault(kind, array.array("Q")).append

    def late(self, kind):
        """Where the times since they were due go."""
        return self.lates.setdefault(kind, array.array("Q")).append

    def again(self):
        """A region was watched. When is the next one?"""
        self.bin()
        if HISTORY and self.closed_at is None:
            return 1
        return SAMPLE_EVERY if TIMING == "sampled" else sys.maxsize

    def bin(self, most=1 << 16):
        """Counts times that were taken, so that they need less room."""
        for what, taken in (("service", self.times), ("response", self.lates)):
            for kind, times in taken.items():
                if len(times) > most:
                    sums = self.binned.setdefault((what, kind), collections_counter())
                    sums.update(times)
                    del times[:]
                    if len(sums) > 1 << 16:
                        coarse(sums)

    def book(self, number):
        """What this mutator knows of the length of a shared list."""
        return self.books.setdefault(number, Book())

    def note(self, topic, start, end, call, answer):
        """A history is told of a call, as long as there is room."""
        if self.closed_at is None:
            self.events.append((topic, start, end, call, answer))
            if len(self.events) >= HISTORY:
                self.is_full = True
                self.wait_for_writers()
                self.closed_at = now()

    def wait_for_writers(self):
        """Histories end together, or after a while: nobody goes on while others still write. With a
        lock the first would else be done before the others begin, and all that they did unknown."""
        with gate:
            gate.notify_all()
            until = time.monotonic() + 0.1
            while not wanted and time.monotonic() < until:
                if all(seat.is_full or seat.done for seat in seats):
                    break
                gate.wait(0.01)

    def upgraded_wrongly(self, found, expected):
        note(self.weak_wrong, "a weak reference to %s was upgraded to %s"
             % (number_name(expected), name_of(found)))

    def lost_wrongly(self, held):
        if not getattr(held, "ran", False):
            note(self.weak_wrong, "a weak reference to %s was cleared while a register held it"
                 % name_of(held))

    def run(self):
        """The life of its thread, or one stay of it: see `yield` in the program."""
        try:
            # Each thread has waited for itself.
            self.starved_ns, self.looked = starved(), now()
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
    if gap > 0 and me.ops > ops:  # it had done something before
        me.interleavings += 1
    at, ran_by = now(), ran()
    if gap > me.gap_ops:
        me.gap_ops, me.gap_ns, me.gap_ran_ns = gap, at - me.gap_since, ran_by - me.ran_since
        me.gap_starved_ns = max(min(starved() - me.starved_ns, me.gap_ns), 0)
        me.looked = 0
    me.gap_since, me.ran_since = at, ran_by
    if at - me.looked > LOOK_EVERY:
        me.looked, me.starved_ns = at, starved()
    if me.ops >= me.ops_limit:
        me.done = True
        return True
    me.until_pause -= ops
    if me.until_pause <= 0:
        me.until_pause = VERIFY_EVERY
        pausing = wanted = True
    me.until_collection -= ops
    if me.until_collection <= 0:
        me.until_collection = next(me.spacings)
        me.forced += 1
        gc.collect()
    if TIMING == "every":
        me.bin()
    return wanted


def park(me, n, regions, tallies, registers, weak):
    """Stands still, and says whether that was the end. `registers` are looked at meanwhile."""
    global wanted
    with gate:
        if stopping or (me.background and not any(not s.background and not s.done for s in seats)):
            me.done = True
        if not me.done and not pausing:
            return False
        me.n, me.regions, me.tallies, me.registers = n, regions, tallies, registers
        me.weak_pairs = weak
        if me.done and not me.elapsed_ns:
            me.elapsed_ns = now() - started
            if not me.background:
                wanted = True  # those in the background may have to end now
        me.parked = True
        gate.notify_all()
        # Somebody may want the next pause before this one has noticed that the last is over.
        pause = surveyed
        while (not released) if me.done else pausing and surveyed == pause:
            gate.wait()
        me.registers = me.weak_pairs = ()
    me.seen, me.gap_since, me.ran_since = others(me), now(), ran()
    return me.done
