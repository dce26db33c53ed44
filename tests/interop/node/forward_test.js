// The official Node.js client, through a real vsoad, to the official Node.js server: calls,
// publishes, datagrams and streams.
'use strict';

const assert = require('node:assert/strict');
const { createHash, randomBytes } = require('node:crypto');
const { after, before, test } = require('node:test');
const { Daemon } = require('./daemon.js');
const { Peer, vsoa, within } = require('./peer.js');

let server;
let daemon;
let peer;

function startServer() {
  const made = new vsoa.Server({ info: { name: 'official' } });
  made.on('/echo', (cli, request, payload) => cli.reply(0, request.seqno, payload));
  made.on('/method', (cli, request) => cli.reply(0, request.seqno,
    { param: { set: request.method === vsoa.method.SET, url: request.url } }));
  made.on('/fail', (cli, request) => cli.reply(200, request.seqno, { param: { why: 1 } }));
  made.on('/stream', (cli, request) => {
    const stream = made.createStream();
    stream.on('error', () => {});
    stream.on('data', (piece) => stream.write(piece));
    cli.reply(0, request.seqno, { param: { stream: true } }, stream.tunid);
  });
  made.ondata = (cli, url, payload, quick) => made.publish(`/got${url}`, payload, !!quick);
  return within(new Promise((resolve, reject) => {
    made.start({ domain: vsoa.AF_INET, addr: '127.0.0.1', port: 0 }, undefined,
      (error) => (error ? reject(error) : resolve(made)));
  }), 'server start');
}

before(async () => {
  server = await startServer();
  daemon = await Daemon.start(`
runtime: { threads: 1 }
services:
  - name: main
    listen: "127.0.0.1:0"
    commands:
      /old/: { forward: "vsoa://127.0.0.1:${server.address().port}", strip_prefix: true }
`);
  await daemon.printed(/upstream \S+ connected at/);
  peer = await Peer.open(daemon.port());
});

after(async () => {
  if (peer) peer.close();
  if (daemon) await daemon.stop();
  if (server) server.close();
});

async function subscribed(url) {
  for (const end = Date.now() + 10000; !server.isSubscribed(url);) {
    assert.ok(Date.now() < end, `nobody subscribes to ${url}`);
    await peer.ping();
  }
}

test('calls: param, data, method and status', async () => {
  const data = randomBytes(1000);
  let reply = await peer.call('/old/echo', { param: { a: [1, 'ü'] }, data });
  assert.equal(reply.error, undefined);
  assert.deepEqual(reply.payload.param, { a: [1, 'ü'] });
  assert.ok(data.equals(reply.payload.data));
  reply = await peer.call('/old/method', undefined, { method: vsoa.method.SET });
  assert.deepEqual(reply.payload.param, { set: true, url: '/method' });
  reply = await peer.call('/old/fail');
  assert.deepEqual(reply.payload.param, { why: 1 });
  assert.ok(reply.error);
  reply = await peer.call('/old/nobody');
  assert.ok(reply.error);
});

test('publishes come back under the prefix, normal and quick', async () => {
  await peer.subscribe('/old/news/');
  await subscribed('/news/x');
  for (const quick of [false, true]) {
    server.publish('/news/x', { param: { n: 1 }, data: Buffer.from('data') }, quick);
    const item = await peer.next();
    assert.equal(item.kind, 'message');
    assert.equal(item.url, '/old/news/x');
    assert.deepEqual(item.payload.param, { n: 1 });
    assert.equal(item.payload.data.toString(), 'data');
    assert.equal(item.quick, quick);
  }
  await peer.unsubscribe('/old/news/');
});

test('datagrams go to the server, normal and quick', async () => {
  await peer.subscribe('/old/got/');
  await subscribed('/got/x');
  for (const quick of [false, true]) {
    peer.datagram('/old/x', { param: { n: 2 } }, quick);
    const item = await peer.next();
    assert.equal(item.url, '/old/got/x');
    assert.deepEqual(item.payload.param, { n: 2 });
  }
});

test('a stream is relayed', async () => {
  const { error, tunid, payload } = await peer.call('/old/stream');
  assert.equal(error, undefined);
  assert.deepEqual(payload.param, { stream: true });
  assert.ok(tunid > 0);
  const stream = await peer.stream(tunid);
  const sent = randomBytes(1 << 20);
  const back = within(new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    let count = 0;
    stream.on('error', reject);
    stream.on('data', (piece) => {
      hash.update(piece);
      count += piece.length;
      if (count === sent.length) resolve(hash.digest('hex'));
    });
    stream.write(sent);
  }), 'stream');
  assert.equal(await back, createHash('sha256').update(sent).digest('hex'));
  stream.end();
});

test('the server goes: answered at once, with the status of a failed proxy', async () => {
  server.close();
  server = undefined;
  await daemon.printed(/connection lost|not connected/);
  const { error, payload } = await peer.call('/old/echo');
  assert.ok(error);
  assert.deepEqual(payload.param, { error: 'upstream is not connected' });
});
