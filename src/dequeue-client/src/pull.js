// A pull: by stream, once more by stream when that is cut, and on whatever failure by REST pages from the last checkpoint. The rules,
// and the numbers of the rows in brackets, are those of docs/client-states.md; the messages are those of docs/protocol.md.

import { Connection } from './connection.js';
import { EventDigest, digestOf } from './digest.js';
import { isBefore, isSame, kept, syncEvent, textsOf } from './events.js';
import { SyncFailure, bad, otherHistory } from './failure.js';
import { readMessage } from './messages.js';
import { breather, check, delay, load } from './waiting.js';

/** Bytes, and milliseconds, after which is acknowledged what has come, though it is less than a quarter of the window. */
const ACK_BYTES = 1024 * 1024, ACK_INTERVAL = 2000;

/** Messages that may bring nothing new, events beyond the announced total, empty pages in a row: more is no slip. */
const MAX_IDLE_MESSAGES = 1000, MAX_SURPLUS = 1000, MAX_EMPTY_PAGES = 100;

/** Parts that are noted, to be compared. A stream of more cannot be repaired. */
const MAX_PARTS = 10_000;

/**
 * Brings a store up to date. `onAdded` gets what was new; `live` is the connection of a watch, which stays open.
 * @returns {Promise<import('../index.d.ts').PullResult>}
 * @throws {SyncFailure} when pages fail too; what came before stays stored.
 */
export async function pull({ options, rest, retry, onProgress, onAdded, live, signal }) {
  const { store, random, log, priority, delta, references, compact, batchSize, encodings, verifyDigest } = options;
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const breathe = breather();
  let origin = await store.load();
  let { checkpoint, epoch, position } = origin;
  const lastSent = (await store.sent()).at(-1)?.number;
  let isFirstSync = options.isFirstSync ?? checkpoint === null;
  let { stream: streams, window } = options;
  /** @type {any} */
  let connection, livePlace, streamFailure = null, readySeconds = null, total = null, pushedAgain = null, historyEvents = null;
  let processed = 0, added = 0, bytes = 0, answers = 0, resumes = 0, ready = null, unverified = 0, repaired = 0;
  /** @type {'stream' | 'rest'} */
  let transport = streams ? 'stream' : 'rest';
  let digestVerified = false, hasEarly = false, isComparable = verifyDigest && !compact;
  let parts = [];
  const early = new Set();

  const keeps = events => kept(events, options, isFirstSync);
  const report = (phase, failure = null, tries = 1) => onProgress?.({
    phase, transport, processed, total: total === null ? null : Math.max(total, processed),
    eventsPerSecond: processed / Math.max(seconds(), 1e-3), bytes, answers, resumes, ready, digestVerified, streamFailure, failure, attempt: tries,
  });
  const tell = async fresh => {
    added += fresh.length;
    if (fresh.length > 0) await onAdded(fresh);
  };

  // Of a stream that was cut what came first may come again.
  const save = async (events, mark) => {
    const fresh = await store.save(keeps(events), mark);
    processed += events.length - events.filter(({ id }) => early.has(id)).length;
    if (mark) ({ checkpoint, position } = mark);
    await tell(fresh);
    return fresh;
  };

  // Who says how many events of the log it holds is told when there are others; who says which log, how many there are.
  const identity = () => ({ ...(epoch !== null && { epoch }), ...(position !== null && { position }) });
  const recognise = message => {
    if (message.code === 'HISTORY_CHANGED' || (message.epoch && epoch && message.epoch !== epoch)) throw otherHistory(message);
    epoch = message.epoch ?? epoch;
  };

  async function stream() {
    if (!connection) {
      const negotiated = await rest.negotiate(signal); // [P1]
      recognise(negotiated);
      connection = await Connection.open(negotiated.url, options, signal);
    }

    const states = delta && new (await load(() => import('./deltas.js'))).EntityStates();
    const digest = new EventDigest();
    const asksFirst = priority && ready === null;
    let announced, streamed = 0, nextBatch = 0, lastSeen = -1, idle = 0;
    let acknowledgedAt = performance.now(), acknowledged = -1, unacknowledged = 0;
    let sawLast = false, isInOrder = false, isReady = false;
    connection.isSilent = false;
    connection.send({
      type: 'sync.stream.request', ...(checkpoint && { since: checkpoint }), ...(live && { live: true }), ...(window && { window }),
      ...(batchSize < 1000 && { batchSize }), ...(delta && { delta }), ...(references && { references }), ...(asksFirst && { priority }),
      ...(encodings.length > 0 && { encodings }), ...(compact && { compact }),
      ...identity(),
    }); // [P3]

    const fail = words => { throw bad(words); };
    const doubt = words => { throw Object.assign(bad(words), { isDoubt: true }); };
    const ignore = () => idle++ < MAX_IDLE_MESSAGES || fail('The stream brings nothing new.'); // [P7, P30]
    const acknowledge = () => {
      acknowledged = nextBatch - 1;
      acknowledgedAt = performance.now();
      unacknowledged = 0;
      connection.send({ type: 'sync.stream.ack', batchIndex: acknowledged });
    };
    const take = async (events, until, isFirst) => {
      const since = checkpoint, first = origin.events + added;

      // Of events that came first nobody knows how many lie before a checkpoint, nor of what a compact stream left out: the end tells.
      const counts = position !== null && !hasEarly && !priority && !compact;
      const mark = until && !isFirst ? { checkpoint: until, epoch, position: counts ? position + events.length : null } : null;
      if (verifyDigest) digest.add(textsOf(events));
      isComparable &&= !isFirst && (events.length === 0 || isBefore(since, until));
      const mine = keeps(events);
      const fresh = await save(events, mark);
      streamed += events.length;
      if (isFirst) for (const { id } of mine) early.add(id);
      if (mark && isComparable && events.length > 0 && parts.length <= MAX_PARTS) {
        parts.push({
          since, mark, received: events.length, first, added: fresh.length, isWhole: fresh.length === mine.length,
          digest: fresh.length === events.length ? null : digestOf(textsOf(events)),
        });
      }
    };

    for (;;) {
      const frame = await connection.receive(signal).catch(failure => {
        // A cut, or a silence in its midst, is no fault of the stream. [P47]
        throw Object.assign(failure, { isCut: failure.kind === 'unreachable' || (failure.kind === 'timedOut' && announced !== undefined) });
      });
      bytes += frame.bytes;
      const message = readMessage(frame.text);
      const type = /^sync\.stream\.(\w+)$/.exec(message.type)?.[1];
      if (announced === undefined && (type === 'batch' || type === 'complete')) fail('The stream did not begin with its start.'); // [P5]
      if (type === 'start') {
        recognise(message); // [P51]
        if (announced !== undefined) fail('The stream started twice.'); // [P8]
        announced = message.totalEvents; // [P4]
        if (resumes === 0) historyEvents = message.historyEvents ?? null;

        // What is announced after a cut is what is left. Some of it may have come first, but the whole is the same.
        total = resumes > 0 && total !== null ? Math.max(total, hasEarly ? 0 : processed + announced) : announced;
      } else if (type === 'batch') {
        answers++;
        unacknowledged += frame.bytes;
        if (states) rebuild(message);
        await onBatch(message);
      } else if (type === 'ready' && asksFirst && !isInOrder && announced !== undefined) {
        const { processedEvents } = message;
        if (processedEvents !== streamed) fail(`${streamed} events came until ready, and ${processedEvents} were sent.`); // [P35]
        isInOrder = isReady = true;
        ready = streamed; // [P34]
        readySeconds = seconds();
        report('ready');
      } else if (type === 'complete') {
        await onComplete(message);
        return;
      } else if (type === 'error') {
        recognise(message); // [P49-P51]
        const words = `The stream ended in an error: ${message.error.replace(/\.?$/, '.')}`;
        throw Object.assign(new SyncFailure('serverError', words, message), {
          isCut: announced !== undefined && message.code === 'STREAM_TIMEOUT', window: message.window,
        }); // [P6, P48]
      } else if (type !== 'live' || !live?.keep(message)) {
        ignore(); // [P7, P36]
      }

      report(announced === undefined ? 'connecting' : 'receiving');
      await breathe();
    }

    // A patch is against what came before it on the wire: a repeated batch leaves its states again.
    function rebuild(batch) {
      const { batchIndex, deltas } = batch;
      if (batch.reset) states.forget();
      else if (batchIndex !== lastSeen + 1) fail(`Batch ${batchIndex} does not follow the one before.`);
      lastSeen = batchIndex;
      const patched = new Set(deltas);
      if (deltas.at(-1) >= batch.events.length) fail(`Batch ${batchIndex} names deltas that it does not have.`);
      batch.events = batch.events.map((event, place) => {
        const whole = states.whole(event.text, patched.has(place));
        return whole === event.text ? event : syncEvent(whole);
      });
      batch.deltas = [];
    }

    async function onBatch({ batchIndex, isLast, checkpoint: until, priority: isFirst = false, deltas, references: pages, events }) {
      const must = (holds, words) => holds || fail(`Batch ${batchIndex} ${words}`);
      if (batchIndex < nextBatch) {
        // A window that the server sent again. That it came again may mean that an acknowledgement was lost.
        must(!until || !isBefore(checkpoint, until), 'came again with other events.'); // [P11]
        ignore(); // [P10]
        if (window) acknowledge();
        return;
      }

      if (batchIndex > nextBatch) fail(`Batch ${nextBatch} is missing.`); // [P12]
      must(!sawLast, 'came after the last one.'); // [P13]
      must(deltas.length === 0 && (!isFirst || (asksFirst && !isInOrder)), 'has what was not asked for.'); // [P33, P37]
      if (pages.length > 0) {
        const ends = [checkpoint, ...pages.map(page => page.checkpoint), until];
        const rise = pages.every((page, place) => isBefore(ends[place], page.checkpoint)) && isSame(ends.at(-2), until);
        must(references && events.length === 0 && !isFirst && rise, 'has references that were not asked for, or lead elsewhere.'); // [P39]
      } else {
        must((events.length > 0 || isLast) && (isFirst || !until || !isBefore(until, checkpoint)), 'leads nowhere.');
      }

      const count = pages.reduce((sum, page) => sum + page.count, events.length);
      if (streamed + count > announced + MAX_SURPLUS) doubt(`More events came than the ${announced} announced.`); // [P14]
      nextBatch++;
      sawLast = isLast;
      isInOrder = !isFirst;
      hasEarly ||= isFirst;
      if (pages.length === 0) {
        await take(events, until, isFirst); // [P9, P32]
      } else {
        const { referencedPages } = await load(() => import('./references.js'));
        for await (const page of referencedPages({ pages, options, rest, signal, since: () => checkpoint })) { // [P38-P44]
          bytes += page.bytes;
          await take(page.events, page.checkpoint);
        }
      }

      const isLate = performance.now() - acknowledgedAt >= ACK_INTERVAL;
      if (window && ((batchIndex - acknowledged) * 4 >= window || unacknowledged >= ACK_BYTES || isLate)) acknowledge(); // [P15, P31]
    }

    async function onComplete(message) {
      const { processedEvents, newCheckpoint, digest: expected } = message;
      if (streamed !== announced || processedEvents !== streamed) {
        doubt(`${streamed} events came; ${announced} were announced and ${processedEvents} sent.`); // [P17]
      }

      if (!sawLast && streamed > 0) doubt('The stream ended without its last batch.'); // [P18]
      if (isBefore(newCheckpoint, checkpoint)) doubt('The new checkpoint lies before the events.'); // [P19]
      if (verifyDigest && expected) {
        if (digest.end() !== expected.toLowerCase()) doubt('The events are not those that the server sent: the digest differs.'); // [P20]
        digestVerified = unverified === 0;
      }

      recognise(message);
      const place = message.position ?? (priority || compact ? null : position);
      await save([], { checkpoint: newCheckpoint, epoch, position: place }); // [P16, P21]
      if (live && message.position !== undefined) livePlace = { checkpoint, epoch, position: place };
    }
  }

  async function pages() {
    for (let failures = 0, empty = 0; ;) {
      report('receiving');
      let page;
      try {
        page = await rest.page(checkpoint, rest.pageSize, { ...identity(), ...(compact && { compact }) }, signal);
        recognise(page); // [P51]
        if (page.epoch && isBefore(page.nextCheckpoint, checkpoint)) throw otherHistory(page); // [P49]
        empty = page.events.length === 0 ? empty + 1 : 0;
        const leads = page.hasMore ? isBefore(checkpoint, page.nextCheckpoint) && empty <= MAX_EMPTY_PAGES
          : !isBefore(page.nextCheckpoint, checkpoint);
        if (!leads) throw bad('A page does not lead beyond the checkpoint that it was asked for.'); // [P24]
      } catch (failure) {
        check(signal);
        const wait = failure instanceof SyncFailure ? retry(++failures, failure) : null;
        if (wait === null) throw failure; // [P28]
        report('waiting', failure, failures + 1);
        await delay(wait, signal); // [P27, P29]
        continue;
      }

      failures = 0;
      bytes += page.bytes;
      answers++;
      const place = page.position ?? (position !== null && !compact ? position + page.events.length : null);
      await save(page.events, { checkpoint: page.nextCheckpoint, epoch, position: place }); // [P23, P25]
      if (!page.hasMore) return; // [P26]
      await breathe();
    }
  }

  // What was streamed is in doubt. Where its parts can be told, only the wrong ones are fetched anew; pages bring what follows.
  async function mend() {
    try {
      if (!isComparable || parts.length === 0 || parts.length > MAX_PARTS) throw bad('The stream cannot be compared.');
      const { repair } = await load(() => import('./repair.js'));
      const mended = await repair({ parts, origin, store, rest, keeps, retry, signal });
      const moved = mended.fetched - mended.received;
      processed += moved;
      if (position !== null) position += moved;
      bytes += mended.bytes;
      added -= mended.removed;
      repaired = mended.fetched;
      digestVerified = true; // [P45]
      await tell(mended.added);
    } catch (failure) {
      check(signal);
      if (!(failure instanceof SyncFailure)) throw failure;
      await store.rewind(origin); // [P22, P46]
      ({ checkpoint, position } = origin);
      early.clear();
      hasEarly = false;
      processed = added = 0;
    }
  }

  // The same log with another number of events was put back, and can be put right, once. Another log is for the app to judge. [P49, P50]
  async function putRight(failure) {
    if (failure.epoch === undefined || failure.epoch !== epoch) throw failure;
    const { heal } = await load(() => import('./heal.js'));
    report('sending');
    const healed = await heal({ isAgain: pushedAgain !== null, log, store, rest, retry, signal, onWait: () => report('waiting') }); // [P54]

    // From what both have in common all comes again, the device's own events too. [P52, P53]
    origin = await store.load();
    ({ checkpoint, position } = origin);
    pushedAgain = healed.pushed;
    bytes += healed.bytes;
    processed = added = resumes = unverified = repaired = 0;
    total = ready = null;
    parts = [];
    early.clear();
    hasEarly = false;
    isFirstSync = true;
    isComparable = verifyDigest && !compact;
  }

  const leave = () => {
    connection?.close();
    connection = null;
  };

  try {
    connection = streams ? live?.lend() : null;
    for (let isDone = false; !isDone;) {
      report('connecting');
      try {
        if (streams) await stream();
        else await pages();
        isDone = true;
      } catch (error) {
        /** @type {any} */
        const failure = error;
        const { isCut, isDoubt } = failure;
        check(signal);
        if (!isFailure(failure)) throw failure;
        if (failure.kind === 'historyChanged') {
          await putRight(failure);
          continue;
        }

        leave();
        if (!streams) {
          throw failure;
        } else if (isCut && resumes === 0) { // [P47, P48]
          log(`The stream was cut after ${processed} events.`);
          resumes++;
          unverified = processed;
          window = window ?? failure.window ?? null;
        } else {
          log(`${failure.message} REST carries on after ${processed} events.`);
          streams = false;
          streamFailure = failure;
          transport = 'rest';
          if (isDoubt) await mend();
        }
      }
    }

    total = processed;
    report('completed');
    const requeued = lastSent === undefined ? 0 : await store.settle(lastSent, options.filter === 'mirror');
    if (livePlace && connection) {
      live.takeBack(connection, livePlace);
      connection = null;
    }

    return {
      transport, events: processed, added, seconds: seconds(), bytes, checkpoint, streamFailure, digestVerified, readySeconds, repaired, resumes,
      pushedAgain, requeued, historyEvents,
    };
  } finally {
    leave();
  }
}

/** @returns {boolean} */
const isFailure = error => error instanceof SyncFailure;
