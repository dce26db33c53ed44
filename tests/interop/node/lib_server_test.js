// The official Node.js client against a server that was written with libvsoa's public headers alone.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { Program, needed } = require('./daemon.js');
const { Peer, vsoa } = require('./peer.js');

let server;
let port;
const peers = [];

async function serve(...args) {
  const program = new Program(needed('VSOA_LIB_SERVER'), args);
  const [, found] = await program.printed(/listening on 127\.0\.0\.1:(\d+)\n/);
  return { program, port: Number(found) };
}

async function open(options = undefined, to = port) {
  const peer = await Peer.open(to, options);
  peers.push(peer);
  return peer;
}

async function ok(peer, url, payload) {
  const reply = await peer.call(url, payload);
  assert.equal(reply.error, undefined, `${url}: ${reply.error?.status}`);
  return reply.payload;
}

before(async () => {
  ({ program: server, port } = await serve());
});

after(async () => {
  for (const peer of peers) peer.close();
  server.child.stdin.end();
  assert.equal((await server.ended).code, 0);
});

test('the info is the one that the server was given', async () => {
  const peer = new Peer();
  peers.push(peer);
  assert.deepEqual(await peer.connect(port), { name: 'lib' });
});

test('commands: exact, subtree, default', async () => {
  const peer = await open();
  assert.deepEqual((await ok(peer, '/echo', { param: { a: 1 } })).param, { a: 1 });
  assert.deepEqual((await ok(peer, '/tree/x/y')).param, { tree: '/tree/x/y' });
  assert.deepEqual((await ok(peer, '/tree')).param, { tree: '/tree' });
  assert.deepEqual((await ok(peer, '/any/thing')).param, { default: '/any/thing' });
});

test('the method and the payload reach the handler', async () => {
  const peer = await open();
  for (const method of [vsoa.method.GET, vsoa.method.SET]) {
    const { payload } = await peer.call('/method', {}, { method });
    assert.deepEqual(payload.param, { set: method === vsoa.method.SET });
  }
  const data = Buffer.alloc(262144 - 20 - '/echo'.length, 3);
  assert.ok((await ok(peer, '/echo', { data })).data.equals(data));
});

test('every status arrives, with its payload', async () => {
  const peer = await open();
  for (const status of [1, 2, 4, 5, 6, 7, 128, 200, 255]) {
    const { error, payload } = await peer.call(`/status/${status}`);
    assert.equal(error?.status, status);
    assert.deepEqual(payload.param, { status });
  }
});

test('publishes, normal and quick, only to who subscribed', async () => {
  const [subscriber, other] = [await open(), await open()];
  await subscriber.subscribe(['/news/', '/x']);
  for (const [command, quick] of [['/publish', false], ['/publish/quick', true]]) {
    await ok(other, command, { param: '/news/today', data: Buffer.from('hello') });
    const got = await subscriber.next();
    assert.equal(got.kind, 'message');
    assert.equal(got.url, '/news/today');
    assert.equal(got.quick, quick);
    assert.equal(got.payload.data.toString(), 'hello');
  }
  assert.deepEqual(await other.since(), []);
});

test('replies from another thread, later and in another order', async () => {
  const peer = await open();
  const order = [];
  const late = [1, 2, 3].map((n) => ok(peer, '/later', { param: { n } }).then((payload) => {
    order.push(payload.param.n);
    assert.deepEqual(payload.param, { n });
  }));
  assert.deepEqual((await ok(peer, '/release')).param, { released: 3 });
  await Promise.all(late);
  assert.deepEqual(order, [3, 2, 1]);
});

test('a handler on a work queue', async () => {
  const peer = await open();
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, n) => ok(peer, '/queued', { param: { n } })));
  replies.forEach((payload, n) => assert.deepEqual(payload.param, { n }));
});

test('a handler that neither answers nor defers leaves the call without answer', async () => {
  const peer = await open();
  let answered = false;
  peer.client.call('/never', {}, {}, () => { answered = true; });
  await ok(peer, '/echo');
  assert.equal(answered, false);
});

test('datagrams: from the client, normal and quick, and back', async () => {
  const peer = await open();
  for (const quick of [false, true]) {
    peer.datagram('/mirror/a', { param: { quick }, data: Buffer.from('d') }, quick);
    const got = await peer.next();
    assert.equal(got.kind, 'datagram');
    assert.equal(got.url, '/mirror/a');
    assert.equal(got.quick, quick);
    assert.deepEqual(got.payload.param, { quick });
    assert.equal(got.payload.data.toString(), 'd');
  }
});

test('authed: without it no publishes come, all else works', async () => {
  const peer = await open();
  await peer.subscribe('/a');
  await ok(peer, '/authed/off');
  await ok(peer, '/publish', { param: '/a', data: Buffer.from('1') });
  await ok(peer, '/publish/quick', { param: '/a', data: Buffer.from('1') });
  peer.datagram('/mirror/still', {});
  assert.equal((await peer.next()).kind, 'datagram');
  await ok(peer, '/authed/on');
  await ok(peer, '/publish', { param: '/a', data: Buffer.from('2') });
  assert.equal((await peer.next()).payload.data.toString(), '2');
});

test('priority: the client takes QOSSETUP and lives on; the server knows', async () => {
  const peer = await open();
  for (const level of [3, 7, 0]) {
    await ok(peer, `/priority/${level}`);
    await peer.ping();
    const info = (await ok(peer, '/whoami')).param;
    assert.equal(info.priority, level);
    assert.ok(info.quick_port > 0);
  }
  const { error } = await peer.call('/priority/8');
  assert.equal(error?.status, vsoa.code.ARGUMENTS);
});

test('subscriptions are told to the server as they change', async () => {
  const peer = await open();
  await peer.subscribe('/s/1');
  await peer.subscribe(['/s/1', '/s/2', '/s/3/']);
  await peer.unsubscribe('/s/2');
  await peer.unsubscribe();
  assert.deepEqual((await ok(peer, '/events')).param,
    ['+/s/1', '+/s/2', '+/s/3/', '-/s/2', '-/s/1', '-/s/3/']);
});

test('the server can close a client', async () => {
  const [peer, other] = [await open(), await open()];
  const socket = peer.client._net;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  peer.client.call('/close');
  await closed;
  await ok(other, '/echo');
});

test('a password', async () => {
  const guarded = await serve('secret');
  try {
    await assert.rejects(Peer.open(guarded.port, { passwd: 'no' }), { status: 1 });
    await assert.rejects(Peer.open(guarded.port), { status: 1 });
    const peer = await open({ passwd: 'secret' }, guarded.port);
    await ok(peer, '/echo');
    peer.close();
  } finally {
    guarded.program.child.stdin.end();
    await guarded.program.ended;
  }
});
