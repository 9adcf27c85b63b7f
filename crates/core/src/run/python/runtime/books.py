# ---------------------------------------------------------------------------------------------------
# What a mutator knows of the length of a shared list: its own share in it, and what is left for the
# others whenever it reads the length.


class Book:
    """Named like `ListTally` and `Share` of gcstorm, which judges them."""

    def __init__(self):
        self.put = self.out = self.cuts = 0
        self.removed = self.longest = 0
        self.least = self.greatest = 0
        self.at_most = self.at_least = None
        self.last = self.fall = 0
        self.misses, self.first_miss = 0, None

    def sync(self, put, out, cuts):
        """Its own share, since the last time: an upper and a lower bound."""
        more = put - self.put
        self.greatest = max(self.greatest, self.put - self.out + more)
        self.longest = max(self.longest, self.put - self.out - self.removed + more)
        self.least = min(self.least, self.put - out - cuts)
        self.put, self.out, self.cuts = put, out, cuts

    def cut(self, count, put, out, cuts):
        """A truncation is asked to remove so many."""
        self.sync(put, out, cuts)
        self.removed += min(count, max(put - out - self.removed, 0))
        self.least = min(self.least, put - out - cuts - count)
        self.cuts = cuts + count

    def look(self, length, put, out, cuts):
        """A length that was read, when its own share was known."""
        model = max(put - out - self.removed, 0)
        if length != model:
            self.misses += 1
            if self.first_miss is None:
                self.first_miss = [model, length]
        at_most, at_least = length - (put - out - cuts), length - (put - out)
        if self.at_most is None:
            self.at_most, self.at_least = at_most, at_least
        else:
            self.fall = max(self.fall, self.last - at_most)
            self.at_most = min(self.at_most, at_most)
            self.at_least = max(self.at_least, at_least)
        self.last = at_most

    def told(self):
        return {
            "model_removed": self.out + self.removed, "model_len_max": self.longest,
            "model_misses": self.misses, "model_first_miss": self.first_miss,
            "share": {
                "least": self.least, "greatest": self.greatest, "others_at_most": self.at_most,
                "others_at_least": self.at_least, "last": self.last, "fall": self.fall,
            },
        }


def coarse(sums):
    """Rounds times to three digits and a half, like the histograms that they are for."""
    for time_ns in [it for it in sums if it >= 4096]:
        shift = time_ns.bit_length() - 12
        rounded = time_ns >> shift << shift
        if rounded != time_ns:
            sums[rounded] += sums.pop(time_ns)


def el(thing):
    """The name of an object in a history."""
    if thing is None:
        return "nothing"
    if type(thing) is list:
        number = SHARED_NUMBERS.get(id(thing))
        return "lost" if number is None else "%d:%d" % (len(MUTATORS), number)
    number, producer = divmod(thing.id, STRIDE)
    return "%d:%d" % (producer, number)
