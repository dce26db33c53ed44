// Streams of libvsoa's client against the official Node.js server, both ways, plain and over TLS.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, before, test } = require('node:test');
const { makeCertificates } = require('./certificates.js');
const { LibClient, listen, stopAll, urlOf } = require('./lib_client.js');
const { vsoa, within } = require('./peer.js');

const total = 4 * 1024 * 1024;

// The pattern of lib_client_stream.hpp.
class Pattern {
  constructor() {
    this.state = 1;
  }

  next(size) {
    const bytes = Buffer.allocUnsafe(size);
    let { state } = this;
    for (let i = 0; i < size; ++i) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      bytes[i] = state >>> 24;
    }
    this.state = state;
    return bytes;
  }
}

async function write(stream, size) {
  const pattern = new Pattern();
  for (let left = size; left > 0;) {
    const piece = pattern.next(Math.min(left, 1 << 18));
    left -= piece.length;
    if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve));
  }
}

// Resolves to how many bytes there were to the end; rejects when they are not the pattern.
function readAll(stream) {
  const pattern = new Pattern();
  let count = 0;
  return within(new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('end', () => resolve(count));
    stream.on('data', (piece) => {
      count += piece.length;
      if (!piece.equals(pattern.next(piece.length))) reject(new Error(`spoilt before ${count}`));
    });
  }), 'bytes from the client');
}

let certificates;

before(async () => {
  certificates = await makeCertificates();
});

after(async () => {
  await stopAll();
  await certificates.remove();
});

// What the official server is given, and our client.
const kinds = {
  plain: () => ({}),
  'TLS, one-way': ({ files }) => ({
    server: { cert: fs.readFileSync(files.cert), key: fs.readFileSync(files.key) },
    client: `tls ${files.ca}`,
  }),
  'TLS, mutual': ({ files }) => ({
    server: {
      cert: fs.readFileSync(files.cert), key: fs.readFileSync(files.key),
      ca: fs.readFileSync(files.ca), requestCert: true,
    },
    client: `tls ${files.ca} ${files.client_cert} ${files.client_key}`,
  }),
};

// A session with a server whose /stream offers one: { client, server, open }. open() resolves to
// the server's end of a stream that is connected.
async function meet(kind) {
  const options = kinds[kind](certificates);
  const server = new vsoa.Server({ info: {} });
  let offered;
  server.on('/stream', (cli, request) => {
    offered = server.createStream();
    cli.reply(0, request.seqno, offered.tunid);
  });
  await listen(server, 0, options.server);
  const client = new LibClient();
  if (options.client) assert.equal(await client.do(options.client), 'done');
  assert.equal(await client.do(`connect ${urlOf(server)}`), 'connected {}');
  const offer = async () => {
    const [, status, tunid] = (await client.do('call get /stream - -')).split(' ');
    assert.equal(status, '0');
    return { stream: offered, tunid: Number(tunid) };
  };
  const open = async () => {
    const { stream, tunid } = await offer();
    // A write before that is never done: the official stream waits for nobody.
    const connected = within(new Promise((resolve) => stream.once('connect', resolve)), 'stream');
    assert.equal(await client.do(`stream ${tunid}`), 'connected');
    await connected;
    return stream;
  };
  return { client, offer, open };
}

for (const kind of Object.keys(kinds)) {
  // The official server ends a TLS stream without the goodbye of TLS: our client says so.
  const unsaid = kind === 'plain' ? '' : ' Software caused connection abort';

  test(`${kind}: down, to the end`, async () => {
    const { client, open } = await meet(kind);
    const stream = await open();
    await write(stream, total);
    stream.end();
    assert.equal(await client.do('ended'), `ended ${total} good${unsaid}`);
  });

  test(`${kind}: up, to the end`, async () => {
    const { client, open } = await meet(kind);
    const received = readAll(await open());
    assert.equal(await client.do(`send ${total}`), 'done');
    assert.equal(await client.do('shut'), 'done');
    assert.equal(await received, total);
    assert.equal(await client.do('ended'), 'ended 0 good');
  });

  test(`${kind}: both ways at a time, and on without the session`, async () => {
    const { client, open } = await meet(kind);
    const stream = await open();
    const received = readAll(stream);
    const sent = write(stream, total);
    assert.equal(await client.do(`send ${total}`), 'done');
    assert.equal(await client.do(`receive ${total}`), 'received good');
    await sent;
    assert.equal(await client.do('disconnect'), 'done');
    assert.equal(await client.do('send 1000'), 'done');
    assert.equal(await client.do('shut'), 'done');
    assert.equal(await received, total + 1000);
    assert.equal(await client.do('ended'), `ended ${total} good`);
  });

  test(`${kind}: an offer that has been taken back, or taken, is none`, async () => {
    const { client, offer, open } = await meet(kind);
    const { stream, tunid } = await offer();
    const closed = within(new Promise((resolve) => stream.once('close', resolve)), 'close');
    stream.close();
    await closed;
    assert.match(await client.do(`stream ${tunid}`), /^failed/);
    const taken = await open();
    taken.end();
    assert.equal(await client.do('ended'), `ended 0 good${unsaid}`);
  });
}

// What that server's streams lack: they ask for no certificate where its sessions do, so that it is
// the server alone who is verified there.
test('TLS, mutual: the stream asks our client for no certificate', async () => {
  const { open } = await meet('TLS, mutual');
  const stream = await open();
  assert.equal(stream._cli.encrypted, true);
  assert.equal(stream._cli.getPeerCertificate()?.subject, undefined);
  stream.end();
});

test('TLS, one-way: who does not trust the CA has no stream, and the offer stands', async () => {
  const { client, offer } = await meet('TLS, one-way');
  const { stream, tunid } = await offer();
  stream.on('error', () => {});  // our client ends with the test, and this stream with it
  assert.ok(tunid > 0);
  const other = new LibClient();
  await other.do(`tls ${certificates.files.other_ca}`);
  assert.match(await other.do(`connect vsoa://127.0.0.1:${tunid}`), /^failed TLS/);
  assert.equal(await client.do(`stream ${tunid}`), 'connected');
});
