// A subject of forkbench: Node, and its own ways to start a child. It speaks the protocol of docs/PROTOCOL.md, and needs
// Node 16 or later and nothing else.
//
// Node starts a child in the call and hears of everything else from its event loop, which the call stops: so `call` is
// how long the loop stands still, and `reap` is when the loop has heard of the child's end. Nothing but the iteration
// runs in the loop meanwhile. V8 collects garbage when it likes; what there is is collected before the iterations of an
// order where the interpreter was started with --expose-gc.
'use strict';

const fs = require('fs');

const now = () => Number(process.hrtime.bigint());
const LONGEST_LINE = 65536;
const MOST_ITERATIONS = 1 << 22;

/** This host, or this subject, can't do what was ordered. */
class Skip extends Error {}

// --- The wire --------------------------------------------------------------------------------------------------------

// Standard input and output are the protocol's. Node gives its children copies of standard streams only where it is
// asked to, and its other descriptors close on exec; every child here is started with /dev/null in their places.
let pending = Buffer.alloc(0);

/** The next line without its end, waiting for it; null when there are no more. */
function receive() {
  const piece = Buffer.alloc(4096);
  for (;;) {
    const end = pending.indexOf(10);
    if (end >= 0) {
      const line = pending.toString('utf8', 0, end);
      pending = pending.subarray(end + 1);
      return line;
    }
    if (pending.length > LONGEST_LINE) process.exit(1);
    let read = 0;
    try {
      read = fs.readSync(0, piece, 0, piece.length, null);
    } catch (error) {
      if (error.code === 'EAGAIN') continue;
      if (error.code !== 'EOF') throw error;
    }
    if (read === 0) {
      if (pending.length === 0) return null;
      // A last line without an end is a line.
      pending = Buffer.concat([pending, Buffer.from('\n')]);
    } else {
      pending = Buffer.concat([pending, piece.subarray(0, read)]);
    }
  }
}

function send(text) {
  const bytes = Buffer.from(text.replace(/\n(?!$)/g, ' ') + '\n');
  write(bytes);
}

function write(bytes) {
  for (let sent = 0; sent < bytes.length; ) sent += fs.writeSync(1, bytes, sent);
}

const decoded = (value) => decodeURIComponent(value.replace(/%(?!20|25|2C|0A|0D)/g, '%25'));

// --- The footprint ---------------------------------------------------------------------------------------------------

let ballast = null;

/** What the kernel's books say of this process, by the receipt's names. */
function books() {
  const answer = {};
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const field = (name) => Number((status.match(new RegExp(`^${name}:\\s*(\\d+)`, 'm')) || [])[1]);
  answer.process_rss = field('VmRSS') * 1024;
  answer.page_tables = field('VmPTE') * 1024;
  answer.vmas = fs.readFileSync('/proc/self/maps', 'utf8').split('\n').filter((line) => line && !line.endsWith('[vsyscall]')).length;
  answer.fds = fs.readdirSync('/proc/self/fd').length - 1;
  return answer;
}

/**
 * Holds memory as a program's would be: a buffer, written through. Where its pages come from, V8's allocator and the
 * kernel decide, so its order is whatever came out, and its VMA may hold a page of the allocator's beside it.
 */
function hold(asked) {
  ballast = null;
  if (global.gc) global.gc();
  const only = { page: '4k', mapping: 'private', touch: 'written', order: 'sequential', state: 'hot' };
  for (const [axis, value] of Object.entries(only)) {
    if (asked[axis] !== value) throw new Skip(`${axis}=${asked[axis]}: this subject holds nothing but ${Object.values(only).join(' ')}`);
  }
  for (const axis of ['vmas', 'threads', 'busy', 'fds']) {
    if (Number(asked[axis] || 0) !== 0) throw new Skip(`${axis}=${asked[axis]}: this subject adds none; measure it in another`);
  }
  const bytes = Number(asked.bytes);
  const begin = now();
  if (bytes > 0) {
    ballast = new ArrayBuffer(bytes);
    const view = new Uint8Array(ballast);
    for (let at = 0; at < bytes; at += 4096) view[at] = 1;
  }
  const fill = now() - begin;
  const after = books();
  const receipt = { pid: process.pid, image: 'dynamic', ballast: bytes, ...after, fds_added: 0, busy: 0, vmas_added: 0, fill };
  const unverified = ['threads'];
  if (bytes > 0) {
    Object.assign(receipt, resident(bytes, unverified));
  } else {
    Object.assign(receipt, { rss: 0, thp: 0, hugetlb: 0, present: 0 });
  }
  receipt.unverified = unverified.join(',');
  return `receipt ${Object.entries(receipt).map(([key, value]) => `${key}=${value}`).join(' ')}`;
}

/** What the kernel says of the ballast, in the VMA that is as long: the allocator lays a page before it. */
function resident(bytes, unverified) {
  let best = null;
  let entry = null;
  for (const line of fs.readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const range = line.match(/^([0-9a-f]+)-([0-9a-f]+) /);
    if (range) {
      entry = { start: parseInt(range[1], 16), size: parseInt(range[2], 16) - parseInt(range[1], 16) };
    } else if (entry) {
      const field = line.match(/^(Rss|AnonHugePages):\s*(\d+) kB/);
      if (field) entry[field[1]] = Number(field[2]) * 1024;
      const fits = entry.size >= bytes && entry.size <= bytes + 65536;
      if (fits && line.startsWith('VmFlags:') && (!best || entry.Rss > best.Rss)) best = entry;
    }
  }
  unverified.push('flags');
  if (!best) {
    unverified.push('rss', 'present', 'order');
    return {};
  }
  const answer = { rss: Math.min(best.Rss, bytes), thp: best.AnonHugePages };
  return Object.assign(answer, layout(best.start + best.size - bytes, bytes, unverified));
}

/** How near to each other in physical memory pages lie, from pagemap. */
function layout(start, bytes, unverified) {
  const entries = new BigUint64Array(bytes / 4096);
  try {
    const pagemap = fs.openSync('/proc/self/pagemap');
    for (let done = 0; done < entries.byteLength; ) {
      const read = fs.readSync(pagemap, entries, done, Math.min(65536, entries.byteLength - done), (start / 4096) * 8 + done);
      if (read === 0) throw new Error('it ends early');
      done += read;
    }
    fs.closeSync(pagemap);
  } catch (error) {
    unverified.push('present', 'order');
    return {};
  }
  const within = { within_8: 0, nearness: 0, within_512: 0 };
  let [present, pairs, before] = [0, 0, 0];
  for (const entry of entries) {
    // 0 where the page is not there, or its frame is kept back.
    const frame = entry >> 63n ? Number(entry & ((1n << 55n) - 1n)) : 0;
    present += entry >> 63n ? 4096 : 0;
    if (before !== 0 && frame !== 0) {
      const distance = Math.abs(frame - before);
      pairs += 1;
      for (const [key, most] of [['within_8', 8], ['nearness', 64], ['within_512', 512]]) {
        within[key] += distance <= most ? 1 : 0;
      }
    }
    before = frame;
  }
  if (pairs === 0) {
    unverified.push('order');
    return { present };
  }
  // Node can't ask for pages that lie side by side. How near they lie is told, and that it is as asked for is not.
  unverified.push('order');
  for (const key of Object.keys(within)) within[key] /= pairs;
  return { present, ...within };
}

// --- Mechanisms ------------------------------------------------------------------------------------------------------

let image = null;
const NOTHING = { stdio: 'ignore' };

/** What is executed in an iteration, and the status it must end with. */
function command(number, fd) {
  if (image === null) throw new Error('no image to execute was named');
  if (image[0] === 'foreign') return [image[1], image.slice(2), 0];
  const status = 1 + (number % 125);
  return [image[1], fd === undefined ? [String(status)] : [String(status), String(fd)], status];
}

function verify(child, code, signal, status) {
  if (code !== status) {
    throw new Error(`${child.pid} should have exited with ${status}; it ended with ${signal === null ? code : signal}`);
  }
}

/** Two native 64-bit numbers, the first of which is when the image's first instruction ran. */
const stamp = (bytes) => Number(new BigUint64Array(new Uint8Array(bytes).buffer)[0]);

/** child_process.spawn: an image, which stamps the clock into a pipe that is its descriptor 3. */
function spawn(number, stamped) {
  const { spawn: start } = require('child_process');
  const fd = stamped && image[0] === 'own' ? 3 : undefined;
  const [path, words, status] = command(number, fd);
  const options = fd === undefined ? NOTHING : { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] };
  return new Promise((resolve, reject) => {
    const told = [];
    const t0 = now();
    const child = start(path, words, options);
    const call = now() - t0;
    let reap = 0;
    let end = null;
    if (fd !== undefined) child.stdio[3].on('data', (piece) => told.push(piece));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      reap = now() - t0;
      end = [code, signal];
    });
    child.on('close', () => {
      try {
        verify(child, ...end, status);
        resolve({ call, exec: fd === undefined ? 0 : stamp(Buffer.concat(told)) - t0, reap });
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** child_process.execFile: the same, with pipes for what the child prints, its stamp, and a callback with all of it. */
function execFile(number, stamped) {
  const { execFile: start } = require('child_process');
  const fd = stamped && image[0] === 'own' ? 1 : undefined;
  const [path, words, status] = command(number, fd);
  return new Promise((resolve, reject) => {
    const t0 = now();
    const child = start(path, words, { encoding: 'buffer' }, (error, printed) => {
      const reap = now() - t0;
      try {
        const code = error === null ? 0 : error.code;
        verify(child, code, (error && error.signal) || null, status);
        resolve({ call, exec: fd === undefined ? 0 : stamp(printed) - t0, reap });
      } catch (wrong) {
        reject(wrong);
      }
    });
    const call = now() - t0;
  });
}

/** child_process.fork: a fresh Node with a channel to this one. It runs this file, as a child. */
function fork(number, stamped) {
  const { fork: start } = require('child_process');
  const status = 1 + (number % 125);
  return new Promise((resolve, reject) => {
    let began = 0;
    const t0 = now();
    const child = start(__filename, [CHILD, String(status), stamped ? 'stamped' : 'plain'], FORKED);
    const call = now() - t0;
    child.on('message', (told) => (began = Number(told)));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      const reap = now() - t0;
      try {
        verify(child, code, signal, status);
        resolve({ call, start: stamped ? began - t0 : 0, reap });
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** worker_threads: a thread with an interpreter of its own. */
function worker(number, stamped) {
  const { Worker } = require('worker_threads');
  const status = 1 + (number % 125);
  return new Promise((resolve, reject) => {
    let began = 0;
    const t0 = now();
    const thread = new Worker(WORKER, { eval: true, workerData: { status, stamped } });
    const call = now() - t0;
    thread.on('message', (told) => (began = Number(told)));
    thread.on('error', reject);
    thread.on('exit', (code) => {
      const reap = now() - t0;
      if (code !== status) {
        reject(new Error(`the worker should have exited with ${status}; it ended with ${code}`));
      } else {
        resolve({ call, start: stamped ? began - t0 : 0, reap });
      }
    });
  });
}

const CHILD = '--forkbench-child';
const FORKED = { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] };
const WORKER = `
  const { parentPort, workerData } = require('worker_threads');
  if (workerData.stamped) parentPort.postMessage(String(process.hrtime.bigint()));
  process.exitCode = workerData.status;
`;

const MECHANISMS = {
  'child_process.spawn': spawn,
  'child_process.execFile': execFile,
  'child_process.fork': fork,
  worker_threads: worker,
};

// --- Iterations ------------------------------------------------------------------------------------------------------

let next = 0;
let doneFirst = false;

/** Whether that iteration is stamped, with so many of them spread evenly among all. */
function isStamped(index, plain, stamped) {
  const share = (at) => Math.floor((at * stamped) / (plain + stamped));
  return share(index + 1) > share(index);
}

/** The longest step of the clock, watched for a millisecond. */
function largestGap() {
  let gap = 0;
  let before = now();
  for (const end = before + 1e6; before < end; ) {
    const after = now();
    gap = Math.max(gap, after - before);
    before = after;
  }
  return gap;
}

async function time(name, plain, stamped, warmup) {
  const mechanism = MECHANISMS[name];
  if (!mechanism) throw new Error(`\`${name}\` is no mechanism of this subject; there are: ${Object.keys(MECHANISMS).join(' ')}`);
  const total = plain + stamped;
  if (total > MOST_ITERATIONS || warmup > MOST_ITERATIONS) {
    throw new Error(`${total} iterations are too many for one order; ${MOST_ITERATIONS} is the most`);
  }
  const iterate = (mark) => mechanism(next++, mark);
  if (!doneFirst) {
    const { call, reap } = await iterate(false);
    doneFirst = true;
    send(`first call=${call} reap=${reap}`);
  }
  for (let index = 0; index < warmup; index++) await iterate(false);
  if (global.gc) global.gc();
  // Made beforehand, and of one kind, so that none of it is garbage.
  const rows = new Float64Array(4 * total);
  const gap = largestGap();
  let timed = 0;
  const before = process.resourceUsage();
  const begin = now();
  for (let index = 0; index < total; index++) {
    const sample = await iterate(isStamped(index, plain, stamped));
    timed += Math.max(sample.call, sample.reap);
    rows.set([sample.call, sample.start || 0, sample.exec || 0, sample.reap], 4 * index);
  }
  const wall = now() - begin;
  const after = process.resourceUsage();
  let lines = '';
  for (let index = 0; index < total; index++) {
    const [call, start, exec, reap] = rows.subarray(4 * index, 4 * index + 4);
    const told = [start > 0 ? `start=${start}` : '', exec > 0 ? `exec=${exec}` : ''].filter(Boolean);
    const mark = isStamped(index, plain, stamped) && told.length > 0;
    lines += mark ? `sample ${told.join(' ')}\n` : `sample call=${call} reap=${reap}\n`;
  }
  write(Buffer.from(lines));
  const spent = (name) => after[name] - before[name];
  send(
    `done iterations=${total} wall=${wall} timed=${Math.min(timed, wall)} gap=${gap} minor_faults=${spent('minorPageFault')} ` +
      `major_faults=${spent('majorPageFault')} voluntary_switches=${spent('voluntaryContextSwitches')} ` +
      `involuntary_switches=${spent('involuntaryContextSwitches')}`,
  );
}

/** Runs this process and its threads on one CPU. Node can't ask for that itself. */
function pin(cpu) {
  const { spawnSync } = require('child_process');
  const done = spawnSync('taskset', ['--all-tasks', '--pid', '--cpu-list', cpu, String(process.pid)], NOTHING);
  if (done.status !== 0) throw new Skip('Node is pinned with `taskset`, of util-linux, which is not there: install it, or measure @free cells');
}

async function obey(word, rest) {
  const pairs = Object.fromEntries(rest.filter((pair) => pair.includes('=')).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  const count = (key) => Number(pairs[key] || 0);
  if (word === 'cpu') pin(rest[0]);
  else if (word === 'exec') image = rest.map(decoded);
  else if (word === 'hold') send(hold(pairs));
  else if (word === 'time') await time(pairs.mechanism, count('plain'), count('stamped'), count('warmup'));
  else if (word === 'life') throw new Error('this subject tells no lives');
  else throw new Error(`\`${word}\` is no order`);
}

async function serve() {
  send(`subject protocol=1 pid=${process.pid}`);
  let greeted = false;
  for (let line = receive(); line !== null; line = receive()) {
    const [word, ...rest] = line.split(' ').filter(Boolean);
    if (word === undefined || word.startsWith('#')) continue;
    if (word === 'end') break;
    if (!greeted && (word !== 'forkbench' || rest.join(' ') !== '1')) {
      send('fail the first line must be `forkbench 1`: this subject speaks protocol 1');
      return;
    }
    if (word === 'forkbench') {
      greeted = true;
      continue;
    }
    try {
      await obey(word, rest);
    } catch (error) {
      send(`${error instanceof Skip ? 'skip' : 'fail'} ${error.message}`);
    }
  }
}

if (process.argv[2] === CHILD) {
  const [status, mark] = process.argv.slice(3);
  process.exitCode = Number(status);
  if (mark === 'stamped') process.send(String(process.hrtime.bigint()), () => process.disconnect());
  else process.disconnect();
} else {
  serve();
}
