# ---------------------------------------------------------------------------------------------------
# Objects. Each has a number by which it is recognised: who made it, and as which of its objects.

import argparse
import array
import base64
import collections
import faulthandler
import gc
import json
import os
import resource
import signal
import sys
import sysconfig
import threading
import time
from itertools import cycle, islice, repeat
from weakref import ref

now = time.perf_counter_ns
collections_counter = collections.Counter
SAMPLE_EVERY = 61  # one region in so many is watched


class Leaf:
    """Refers to nothing."""

    __slots__ = ("id", "__weakref__")


class Node:
    """Refers to two objects at most."""

    __slots__ = ("id", "x", "y", "__weakref__")


class List(list):
    """A list that a mutator made; shared lists are plain ones, which are known by where they are."""

    __slots__ = ("id", "__weakref__")
    __hash__ = object.__hash__


class Counter:
    """A number in a dictionary, as the attributes of most objects are."""


class Finalizing:
    """What runs when an object with a finalizer is about to die."""

    __slots__ = ()

    def witness(self):
        if getattr(self, "ran", False):
            note(STRAY, "%s was finalized again" % name_of(self))
            return
        self.ran = True
        try:
            here.finalized[0] += 1
        except AttributeError:
            here.finalized = [1]
            FINALIZED.append(here.finalized)


here = threading.local()
FINALIZED = []  # how many finalizers ran, by thread
STRAY = {"count": 0, "first": []}


def nothing():
    return {"count": 0, "first": []}


def note(anomalies, text):
    """Counts something that a sound interpreter never does; keeps the first few in words."""
    anomalies["count"] += 1
    if len(anomalies["first"]) < 5:
        anomalies["first"].append(text)


def name_of(thing):
    """An object in words."""
    return number_name(thing.id)


def number_name(number):
    """An object in words, by its number."""
    number, producer = divmod(number, STRIDE)
    maker = MUTATORS[producer][0] if producer < len(MUTATORS) else "the setup"
    return "object %d of %s" % (number, maker)
