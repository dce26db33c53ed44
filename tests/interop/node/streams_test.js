// Streams of the official Node.js client against a real vsoad: echo's /stream and the plugin files,
// each way, by hash. VSOA_STREAM_MIB says how much; VSOA_STREAM_MEMORY_MIB how much more memory than
// idle vsoad may take meanwhile. Over TLS if there are certificates: see streams_tls_test.js.
'use strict';

const assert = require('node:assert/strict');
const { createHash, randomBytes } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { trusted } = require('./certificates.js');
const { Daemon } = require('./daemon.js');
const { Peer, vsoa } = require('./peer.js');

const total = Number(process.env.VSOA_STREAM_MIB ?? 16) * 1024 * 1024;
const files = trusted();
const memoryLimit = Number(process.env.VSOA_STREAM_MEMORY_MIB ?? 32) * 1024;
const block = randomBytes(1024 * 1024);
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'vsoa-files-'));

let daemon;
let peer;
let idle;

// The daemon's memory, in KiB; `field` is VmRSS, or VmHWM for the most so far.
function memory(field) {
  const status = fs.readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(status)[1]);
}

async function open(url, param) {
  const { error, payload, tunid } = await peer.call(url, { param });
  assert.equal(error, undefined);
  assert.ok(tunid > 0);
  return { stream: await peer.stream(tunid), payload };
}

// Writes `size` bytes, waiting where the stream says so; resolves to their hash.
async function send(stream, size) {
  const hash = createHash('sha256');
  for (let sent = 0; sent < size;) {
    const piece = block.subarray(0, Math.min(block.length, size - sent));
    hash.update(piece);
    sent += piece.length;
    if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  return hash.digest('hex');
}

// Reads `size` bytes, or to the end; resolves to their hash, their number, and the last of them.
function receive(stream, size = Infinity) {
  const hash = createHash('sha256');
  let count = 0;
  let last = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const done = () => resolve({ hash: hash.digest('hex'), count, last: last.toString() });
    stream.on('error', reject);
    stream.on('end', () => (size === Infinity ? done() : reject(new Error(`ended at ${count}`))));
    stream.on('data', (piece) => {
      if (count >= size) return;
      const wanted = piece.subarray(0, Math.min(piece.length, size - count));
      hash.update(wanted);
      count += wanted.length;
      last = wanted;
      if (count === size) done();
    });
  });
}

before(async () => {
  daemon = await Daemon.start(`
services:
  - name: main
    listen: "127.0.0.1:0"
    plugins: [ echo, files ]${files ? `\n    tls: { cert: ${files.cert}, key: ${files.key} }` : ''}
`, `files: { config: { root: "${root}", writable: true, max_size: ${total} } }`);
  peer = new Peer();
  await peer.connect(daemon.port(), files ? {} : undefined);
  idle = memory('VmRSS');
});

after(async () => {
  peer?.close();
  const exit = await daemon?.stop();
  fs.rmSync(root, { recursive: true, force: true });
  assert.equal(exit?.code, 0);
});

test('echo: what is sent comes back', async () => {
  const { stream } = await open('/stream', { dir: 'echo' });
  const [sent, received] = await Promise.all([send(stream, total), receive(stream, total)]);
  assert.equal(received.hash, sent);
  stream.end();
});

test('up: all is taken, and the end is answered', async () => {
  const { stream } = await open('/stream', { dir: 'up' });
  stream.resume();
  await send(stream, total);
  const closed = new Promise((resolve) => stream.on('close', resolve));
  stream.end();
  await closed;
});

test('down: zeros, for as long as they are read', async () => {
  const { stream } = await open('/stream', { dir: 'down' });
  const received = await receive(stream, total);
  assert.equal(received.hash, createHash('sha256').update(Buffer.alloc(total)).digest('hex'));
  stream.destroy();
});

test('a reader that stops does not make vsoad grow', async () => {
  const { stream } = await open('/stream', { dir: 'down' });
  await new Promise((resolve) => stream.once('readable', resolve));
  // It reads no more; what others do meanwhile shows that vsoad goes on.
  for (let n = 0; n < 100; ++n) {
    assert.equal((await peer.call('/echo', { param: { n } })).error, undefined);
  }
  stream.destroy();
});

test('files: up, down, resumed, by hash', async () => {
  const hash = createHash('sha256');
  for (let left = total; left > 0; left -= block.length) hash.update(block.subarray(0, Math.min(left, block.length)));
  const sha256 = hash.digest('hex');
  const up = await open('/files/upload', { path: 'big', size: total, sha256 });
  const verdict = receive(up.stream);
  await send(up.stream, total);
  assert.deepEqual(JSON.parse((await verdict).last), { size: total, sha256 });
  assert.equal(fs.statSync(path.join(root, 'big')).size, total);

  const down = await open('/files/download', { path: 'big', checksum: true });
  assert.equal(down.payload.param.sha256, sha256);
  const received = await receive(down.stream);
  assert.equal(received.count, total);
  assert.equal(received.hash, sha256);

  const offset = total - 12345;
  const rest = await open('/files/download', { path: 'big', offset });
  assert.equal((await receive(rest.stream)).count, 12345);
  assert.equal((await peer.call('/files/download', { param: { path: '../etc/passwd' } })).error.status,
    vsoa.code.ARGUMENTS);
});

test('memory: at its height, so much above idle', () => {
  const most = memory('VmHWM') - idle;
  console.log(`memory: idle ${idle} KiB, at most ${most} KiB more, ${total / 1048576} MiB each way`);
  assert.ok(most < memoryLimit, `${most} KiB above idle`);
});
