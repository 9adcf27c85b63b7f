# ---------------------------------------------------------------------------------------------------
# Surveys: everybody stands still. Who is alive, who can be reached, and by how many references?


def settle():
    """Collects until nothing more is found: a finalizer may resurrect what only dies later."""
    for _ in range(8):
        ran = sum(cell[0] for cell in FINALIZED)
        if not gc.collect() and ran == sum(cell[0] for cell in FINALIZED):
            break
    gc.collect()


def living():
    """The objects of this program that were not freed, but for shared lists."""
    return [thing for thing in gc.get_objects() if type(thing) in CLASSES]


def counts(things):
    """How many references there are to each, by what the interpreter says."""
    return [sys.getrefcount(thing) for thing in things]


# What `counts` finds of an object that only its argument refers to.
OWN = counts([Leaf()])[0]


def walk(roots, found):
    """Follows references from these; `found` counts them by the object's address."""
    references, stack, things = 0, [], roots
    while True:
        for thing in things:
            if thing is None:
                continue
            references += 1
            key = id(thing)
            if key in found:
                found[key] += 1
            else:
                found[key] = 1
                stack.append(thing)
        if not stack:
            return references
        thing = stack.pop()
        if isinstance(thing, Node):
            things = (getattr(thing, "x", None), getattr(thing, "y", None))
        else:
            things = thing if isinstance(thing, list) else ()


def in_registers():
    """What registers refer to, weak references left out."""
    for seat in seats:
        for thing in seat.registers:
            if thing is not None and type(thing) is not ref:
                yield thing


def in_roots():
    for name in ROOTS:
        thing = globals()[name]
        if thing is not None:
            yield thing


def survey(moment):
    """Looks at everything, and says what was found."""
    began = now()
    unsettled = len(living()) + len(shared_lists)
    settle()
    thing = None
    found, twice = {}, {}
    references = walk(in_registers(), found) + walk(in_roots(), found)
    # Who stands still hands over what its registers hold: one more reference for each.
    for thing in in_registers():
        twice[id(thing)] = twice.get(id(thing), 0) + 1
    thing = None
    things = living()
    told = {
        "moment": moment,
        "elapsed_ns": 0,
        "unsettled": unsettled,
        "living": len(things) + len(shared_lists),
        "reachable": len(found),
        "references": references,
        "unreachable": nothing(),
        "premature": nothing(),
        "miscounted": nothing(),
        "undercounted": nothing(),
        "counts_compared": 0,
        "weak_tried": 0,
        "miscleared": nothing(),
        "mutators": [handed_over(seat) for seat in seats],
        "lists": [],
        "counters": [],
    }
    finalizations(told, things)
    try_weak(told, things, found)
    compare(told, things, None, found, twice)
    # The table of shared lists refers to them as well.
    for thing in shared_lists.values():
        twice[id(thing)] = twice.get(id(thing), 0) + 1
    thing = None
    compare(told, list(shared_lists.values()), list(shared_lists), found, twice)
    missed = len(found) - told["counts_compared"]
    for _ in range(min(missed, 1)):
        note(told["premature"], "%d objects were reached that do not exist any more" % missed)
    for number, name in enumerate(ROOTS[:SHARED]):
        thing = globals()[name]
        if type(thing) is list:
            told["lists"].append(list_facts(number, thing))
        elif type(thing) is Counter:
            told["counters"].append({"object": number, "value": thing.n})
    told["elapsed_ns"] = now() - began
    return told


def handed_over(seat):
    books = {number: book.told() for number, book in seat.books.items()}
    return [seat.n, seat.regions, seat.tallies, books]


def finalizations(told, things):
    """Finalizers that ran, and of what lives, what has one."""
    told["finalized"] = sum(cell[0] for cell in FINALIZED)
    told["stray_finalizations"] = STRAY
    alive = [thing for thing in things if isinstance(thing, Finalizing)]
    told["finalizable"] = len(alive)
    told["finalizable_ran"] = sum(1 for thing in alive if getattr(thing, "ran", False))


def try_weak(told, things, found):
    """Upgrades every weak reference: it must lead to its object as long as that can be reached."""
    reached = None
    for seat in seats:
        for weak, expected in seat.weak_pairs:
            if weak is None:
                continue
            told["weak_tried"] += 1
            thing = weak()
            if thing is not None:
                if thing.id != expected:
                    note(told["miscleared"], "a weak reference to %s was upgraded to %s"
                         % (number_name(expected), name_of(thing)))
                continue
            if reached is None:
                reached = {it.id for it in things
                           if id(it) in found and not getattr(it, "ran", False)}
            if expected in reached:
                note(told["miscleared"], "a weak reference to %s was cleared, but it is reachable"
                     % number_name(expected))


def compare(told, things, names, found, twice):
    """Compares the interpreter's counts with the references that were found."""
    for at, count in enumerate(counts(things)):
        key = id(things[at])
        expected = found.get(key)
        name = names[at] if names else None
        if expected is None:
            note(told["unreachable"], "%s is unreachable, and kept" % (name or name_of(things[at])))
            continue
        told["counts_compared"] += 1
        count -= OWN + twice.get(key, 0)
        if count != expected:
            text = "%s has count %d, and %d references" % (
                name or name_of(things[at]), count, expected)
            note(told["miscounted"], text)
            if count < expected:
                note(told["undercounted"], text)


def list_facts(number, elements):
    """Whose elements these are, and in which order."""
    facts, last = {}, {}
    for element in elements:
        index, producer = divmod(getattr(element, "id", -1), STRIDE)
        if index < 0:
            continue
        mine = facts.get(producer)
        if mine is None:
            facts[producer] = mine = {"producer": producer, "found": 0, "last": index - 1,
                                      "inversions": nothing(), "gaps": nothing(), "born": 0}
            last[producer] = index - 1
        mine["found"] += 1
        before = last[producer]
        if index != before + 1:
            if index <= before:
                note(mine["inversions"], "object %d stands behind object %d" % (index, before))
            else:
                note(mine["gaps"], "no object between object %d and object %d" % (before, index))
        last[producer] = index
    for producer, mine in facts.items():
        mine["last"] = last[producer]
    contents = None
    if HISTORY and len(elements) <= 16 * HISTORY:
        contents = [el(element) for element in elements]
    return {"object": number, "len": len(elements), "elements": len(elements),
            "producers": list(facts.values()), "contents": contents}


def teardown():
    """After everything was released: nothing is reachable, so what still lives is kept wrongly."""
    began = now()
    kept = nothing()
    settle()
    for name in list(shared_lists):
        if counts([shared_lists[name]])[0] > OWN + 1:
            note(kept, "%s is unreachable, and kept" % name)
    lists = kept["count"]
    shared_lists.clear()
    settle()
    things = living()
    for thing in things:
        note(kept, "%s is unreachable, and kept" % name_of(thing))
    told = {
        "moment": "teardown", "elapsed_ns": now() - began, "unsettled": None,
        "living": len(things) + lists, "reachable": 0, "references": 0,
        "unreachable": kept, "premature": nothing(), "miscounted": nothing(),
        "undercounted": nothing(), "counts_compared": 0, "weak_tried": 0, "miscleared": nothing(),
        "mutators": [handed_over(seat) for seat in seats], "lists": [], "counters": [],
    }
    finalizations(told, things)
    return told
