// What every store must do, in any engine: a list of cases, each given a store that is empty, and how to open the same one again where
// it outlives being closed. Also served to a browser, so it brings its own assertions.

const event = (id) => ({ id, text: `{"id":"${id}","n":1.0}`, event: { id, n: 1 } });
const events = (ids) => [...ids].map(event);
const mark = (checkpoint, position = null, epoch = null) => ({ checkpoint, epoch, position });

function same(actual, expected, what) {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(value));
  if (is !== should) throw new Error(`${what}: ${is}, not ${should}`);
}

const idsOf = (list) => list.map(({ id }) => id).join("");
const held = async (store) => idsOf(await store.read(0, 1000));

export const cases = {
  async "A new store is at the beginning"(store) {
    same(await store.load(), { checkpoint: null, epoch: null, position: 0, events: 0 }, "position");
    same(await store.read(0, 10), [], "events");
    same(await store.count(), 0, "queue");
  },

  async "Events and the mark after them are kept, as they are spelled"(store) {
    same(await store.save(events("ab"), mark("1", 2, "e")), events("ab"), "added");
    same(await store.load(), { checkpoint: "1", epoch: "e", position: 2, events: 2 }, "position");
    same(await store.read(0, 10), events("ab"), "events");
    same(await store.read(1, 1), events("b"), "a part");
  },

  async "An id is kept once, also within one call"(store) {
    await store.save(events("ab"), mark("1"));
    same(idsOf(await store.save(events("bcca"), mark("2"))), "c", "added");
    same(await held(store), "abc", "held");
  },

  async "Without a mark the old one stays"(store) {
    await store.save(events("a"), mark("1", 1, "e"));
    await store.save(events("b"), null);
    same(await store.load(), { checkpoint: "1", epoch: "e", position: 1, events: 2 }, "position");
  },

  async "What was saved since is taken back"(store) {
    await store.save(events("ab"), mark("1", 2));
    const before = await store.load();
    await store.save(events("cd"), mark("2", 4));
    await store.rewind(before);
    same(await store.load(), before, "position");
    same(await held(store), "ab", "held");
    same(idsOf(await store.save(events("dc"), mark("2"))), "dc", "taken again");
  },

  async "Parts are replaced where they stand"(store) {
    await store.save(events("abcdef"), mark("1"));
    const put = await store.replace([{ first: 1, count: 2, events: events("xyz") }, { first: 4, count: 1, events: events("b") }], mark("2", 9, "e"));
    same(idsOf(put), "xyzb", "put");
    same(await held(store), "axyzdbf", "held");
    same(await store.load(), { checkpoint: "2", epoch: "e", position: 9, events: 7 }, "position");
    same(idsOf(await store.read(3, 2)), "zd", "places follow each other");
  },

  async "What still stands elsewhere is not put in again"(store) {
    await store.save(events("abcd"), mark("1"));
    same(idsOf(await store.replace([{ first: 1, count: 1, events: events("daxx") }], mark("1"))), "x", "put");
    same(await held(store), "axcd", "held");
    same(await store.replace([], mark("3")), [], "nothing to replace");
    same((await store.load()).checkpoint, "3", "checkpoint");
  },

  async "All of it can be cleared, and what was not sent is kept aside"(store) {
    await store.save(events("ab"), mark("1", 2, "e"));
    await store.enqueue(events("sq"));
    const [s, q] = await store.peek(9);
    await store.removeThrough(s.number);
    same(await store.clear("Another log."), 1, "unsent");
    same(await store.load(), { checkpoint: null, epoch: null, position: 0, events: 0 }, "position");
    same([await store.count(), await store.sent()], [0, []], "queue");
    same(await store.refused(), [{ ...q, reason: "Another log." }], "refused");
    same(idsOf(await store.save(events("a"), mark("1"))), "a", "added");
  },

  async "A store of no log takes one, and no other"(store) {
    await store.adopt("e");
    await store.adopt("f");
    same(await store.load(), { checkpoint: null, epoch: "e", position: 0, events: 0 }, "position");
  },

  async "What was sent is known until it is settled, and what is lost goes back"(store) {
    await store.enqueue(events("abcd"));
    const [a, b, c, d] = await store.peek(9);
    await store.removeThrough(c.number, [{ ...b, reason: "No." }]);
    same(await store.sent(), [a, c], "sent");
    await store.save(events("c"), mark("1"));
    same(await store.settle(c.number, true), 1, "went back");
    same([idsOf(await store.peek(9)), await store.sent()], ["ad", []], "queue");
    await store.removeThrough(d.number);
    same(await store.settle(a.number, false), 0, "forgotten");
    same(idsOf(await store.sent()), "d", "a later one stays");
  },

  async "The queue keeps its order, and numbers are not given twice"(store) {
    await store.enqueue(events("ab"));
    const [a, b] = await store.peek(10);
    same([a.id, a.text, b.id, a.number < b.number], ["a", event("a").text, "b", true], "queued");
    same((await store.peek(1)).length, 1, "peek");
    await store.removeThrough(b.number);
    same(await store.count(), 0, "count");
    await store.enqueue(events("a"));
    same((await store.peek(1))[0].number > b.number, true, "the next number");
  },

  async "Refused events are kept until they are forgotten"(store) {
    await store.enqueue(events("abc"));
    const [a, b, c] = await store.peek(10);
    await store.removeThrough(b.number, [{ number: a.number, id: "a", reason: "No.", text: a.text }]);
    same(await store.refused(), [{ number: a.number, id: "a", reason: "No.", text: a.text }], "refused");
    same(idsOf(await store.peek(10)), "c", "queue");
    await store.removeThrough(c.number, [{ number: c.number, id: "c", reason: "No.", text: c.text }]);
    await store.forgetRefused(a.number);
    same(idsOf(await store.refused()), "c", "refused");
  },

  async "A consumer goes on where it was"(store) {
    await store.save(events("abc"), mark("1"));
    const first = await store.readFor("app", 2);
    same([first.place, idsOf(first.events)], [0, "ab"], "first");
    same(await store.move("app", first.edition, 2), true, "moved");
    const next = await store.readFor("app", 2);
    same([next.place, idsOf(next.events)], [2, "c"], "next");
    same((await store.readFor("other", 9)).place, 0, "another");
  },

  async "A consumer returns to where events were taken back or replaced"(store) {
    await store.save(events("ab"), mark("1"));
    const before = await store.load();
    await store.save(events("cd"), mark("2"));
    const { edition } = await store.readFor("app", 9);
    await store.move("app", edition, 4);
    await store.rewind(before);
    same(await store.move("app", edition, 4), false, "an old edition");
    same((await store.readFor("app", 9)).place, 2, "after the rewind");
    await store.replace([{ first: 1, count: 1, events: events("xy") }], mark("2"));
    same(idsOf((await store.readFor("app", 9)).events), "xy", "after the replacement");
  },
};

/** For stores that outlive being closed. */
export const lastingCases = {
  async "What was kept is there after it was opened again"(store, reopen) {
    await store.save(events("ab"), mark("1", 2, "e"));
    await store.enqueue(events("q"));
    await store.move("app", (await store.readFor("app", 1)).edition, 1);
    await store.close();
    const again = await reopen();
    same(await again.load(), { checkpoint: "1", epoch: "e", position: 2, events: 2 }, "position");
    same(idsOf(await again.peek(9)), "q", "queue");
    same(idsOf((await again.readFor("app", 9)).events), "b", "cursor");
    await again.close();
  },
};
