// The official Node.js client against a real vsoad.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { Daemon } = require('./daemon.js');
const { Peer, vsoa, within } = require('./peer.js');

const commands = 'commands: { /echo: { plugin: echo }, /publish: { plugin: echo, command: /publish } }';
const config = `
position: { listen: "127.0.0.1:0", entries: [ { name: legacy, address: 10.0.0.9, port: 3001 } ] }
services:
  - name: main
    listen: "127.0.0.1:0"
    info: { name: main, vendor: acme }
    ${commands}
    topics: { /relay/: { relay: true }, /kept/: { relay: true, retain: last } }
  - name: guarded
    listen: "127.0.0.1:0"
    credentials: [ { role: user, password: "pass-é" } ]
    ${commands}
`;

let daemon;
let port;
const peers = [];

async function open(to = port, options = undefined) {
  const peer = await Peer.open(to, options);
  peers.push(peer);
  return peer;
}

before(async () => {
  daemon = await Daemon.start(config);
  port = daemon.port();
});

after(async () => {
  for (const peer of peers) peer.close();
  assert.equal((await daemon.stop()).code, 0);
});

test('connect without password tells the info', async () => {
  const peer = new Peer();
  peers.push(peer);
  assert.deepEqual(await peer.connect(port), { name: 'main', vendor: 'acme' });
  assert.ok(peer.client.connected);
});

test('connect with password, and with options that are not for the server', async () => {
  const guarded = daemon.port('guarded');
  const peer = await open(guarded, { passwd: 'pass-é', pingInterval: 1000, pingTimeout: 500 });
  const { error, payload } = await peer.call('/echo', { param: { a: 1 } });
  assert.equal(error, undefined);
  assert.deepEqual(payload.param, { a: 1 });
});

test('a wrong password is told as status 1', async () => {
  for (const options of [{ passwd: 'wrong' }, { passwd: '' }, undefined]) {
    const peer = new Peer(options);
    peers.push(peer);
    await assert.rejects(peer.connect(daemon.port('guarded')), { status: vsoa.code.PASSWORD });
  }
});

test('echo: param, data, both, neither; GET and SET', async () => {
  const peer = await open();
  const params = [undefined, {}, { a: [1, 2, { b: null }], é: '😀\n\u0000' }, [], [1], '', 'text'];
  const data = [undefined, Buffer.from('bytes'), Buffer.from([0, 255, 0x29])];
  for (const method of [vsoa.method.GET, vsoa.method.SET]) {
    for (const param of params) {
      for (const bytes of data) {
        const { error, payload } = await peer.call('/echo', { param, data: bytes }, { method });
        assert.equal(error, undefined);
        assert.deepEqual(payload?.param, param);
        assert.deepEqual(payload?.data, bytes);
      }
    }
  }
});

test('echo: data of 0 to 8 bytes', async () => {
  const peer = await open();
  for (let size = 0; size <= 8; ++size) {
    const data = Buffer.alloc(size, size + 1);
    const { error, payload } = await peer.call('/echo', { data });
    assert.equal(error, undefined);
    assert.equal(payload?.data?.length ?? 0, size);
    if (size > 0) assert.deepEqual(payload.data, data);
  }
});

test('echo: the largest packet, 262144 bytes', async () => {
  const peer = await open();
  for (const less of [0, 1, 2, 3, 4]) {
    const data = Buffer.alloc(262144 - 20 - '/echo'.length - less, 0x5a);
    const { error, payload } = await peer.call('/echo', { data });
    assert.equal(error, undefined);
    assert.ok(payload.data.equals(data));
  }
});

test('2000 calls at once are answered, each with its own', async () => {
  const peer = await open();
  const calls = [];
  for (let n = 0; n < 2000; ++n) {
    calls.push(peer.call('/echo', { param: { n }, data: Buffer.alloc(n % 50, n & 255) }));
  }
  (await Promise.all(calls)).forEach(({ error, payload }, n) => {
    assert.equal(error, undefined);
    assert.deepEqual(payload.param, { n });
    assert.equal(payload.data?.length ?? 0, n % 50);
  });
});

test('calls without callback are served and disturb nothing', async () => {
  const peer = await open();
  for (let n = 0; n < 10; ++n) peer.client.call('/echo', {}, { param: { n } });
  const { payload } = await peer.call('/echo', { param: { after: true } });
  assert.deepEqual(payload.param, { after: true });
});

test('a URL that nothing serves is status 3', async () => {
  const peer = await open();
  for (const url of ['/nothing', '/echo/x', '/', '/é']) {
    const { error } = await peer.call(url, { param: { a: 1 } });
    assert.equal(error?.status, vsoa.code.INVALID_URL);
  }
});

test('fetch without a connection of one\'s own', async () => {
  const answer = await vsoa.fetch(`vsoa://127.0.0.1:${port}/echo`, undefined, { param: { one: 1 } });
  assert.deepEqual(answer.payload.param, { one: 1 });
  assert.deepEqual(answer.info, { name: 'main', vendor: 'acme' });
  await assert.rejects(vsoa.fetch(`vsoa://127.0.0.1:${port}/none`), { status: 3 });
});

test('subscribe: one URL, a list, a subtree; unsubscribe: one, a list, all', async () => {
  // Where nothing is retained: a subscription to "/" would be handed it.
  const [guarded, options] = [daemon.port('guarded'), { passwd: 'pass-é' }];
  const [subscriber, publisher] = [await open(guarded, options), await open(guarded, options)];
  const publish = async (url) => {
    const { error } = await publisher.call('/publish', { param: url, data: Buffer.from(url) });
    assert.equal(error, undefined);
  };
  const heard = async (...urls) => {
    for (const url of urls) await publish(url);
    await publish('/end');
    const got = [];
    for (let item = await subscriber.next(); item.url !== '/end'; item = await subscriber.next()) {
      assert.equal(item.kind, 'message');
      assert.equal(item.quick, false);
      assert.equal(item.payload.data.toString(), item.url);
      got.push(item.url);
    }
    return got;
  };
  const all = ['/one', '/list/a', '/list/b', '/tree', '/tree/x/y', '/trees'];

  await subscriber.subscribe('/end');
  assert.deepEqual(await heard(...all), []);
  await subscriber.subscribe('/one');
  assert.deepEqual(await heard(...all), ['/one']);
  await subscriber.subscribe(['/list/a', '/list/b', '/tree/']);
  assert.deepEqual(await heard(...all), all.slice(0, 5));
  await subscriber.unsubscribe('/one');
  assert.deepEqual(await heard(...all), all.slice(1, 5));
  await subscriber.unsubscribe(['/list/a', '/tree/']);
  assert.deepEqual(await heard(...all), ['/list/b']);
  await subscriber.subscribe('/');
  assert.deepEqual(await heard(...all), all);
  await subscriber.unsubscribe();
  await publish('/one');
  assert.deepEqual(await subscriber.since(), []);
});

test('a list with something that is no URL is status 2', async () => {
  const peer = await open();
  await assert.rejects(peer.subscribe(['/good', 'bad']), { status: vsoa.code.ARGUMENTS });
});

test('relay: a datagram is published to subscribers', async () => {
  const [subscriber, sender] = [await open(), await open()];
  await subscriber.subscribe('/relay/');
  sender.datagram('/elsewhere', { param: { n: 0 } });
  sender.datagram('/relay/a', { param: { n: 1 }, data: Buffer.from('d') });
  const got = await subscriber.next();
  assert.equal(got.kind, 'message');
  assert.equal(got.url, '/relay/a');
  assert.equal(got.quick, false);
  assert.deepEqual(got.payload.param, { n: 1 });
  assert.equal(got.payload.data.toString(), 'd');
});

test('retain: a new subscriber is handed the last value', async () => {
  const [sender, late] = [await open(), await open()];
  for (const n of [1, 2, 3]) sender.datagram('/kept/v', { param: { n } });
  await sender.ping();
  await late.subscribe('/kept/');
  const got = await late.next();
  assert.equal(got.url, '/kept/v');
  assert.deepEqual(got.payload.param, { n: 3 });
  assert.deepEqual(await late.since(), []);
});

test('quick both ways', async () => {
  const [subscriber, sender] = [await open(), await open()];
  await subscriber.subscribe('/relay/');
  for (const size of [0, 1, 1000, 65000]) {
    const data = size > 0 ? Buffer.alloc(size, 7) : undefined;
    sender.datagram('/relay/q', { param: { size }, data }, true);
    const got = await subscriber.next();
    assert.equal(got.url, '/relay/q');
    assert.equal(got.quick, true);
    assert.deepEqual(got.payload.param, { size });
    assert.equal(got.payload.data?.length ?? 0, size);
  }
});

test('ping', async () => {
  const peer = await open();
  for (let n = 0; n < 20; ++n) await peer.ping();
  await Promise.all(Array.from({ length: 50 }, () => peer.ping()));
});

test('lookup, and connecting by name, through vsoad\'s position server', async () => {
  process.env.VSOA_POS_SERVER = `127.0.0.1:${daemon.positionPort()}`;
  const lookup = (name, domain) => within(new Promise((resolve, reject) => {
    vsoa.lookup(name, (error, found) => (error ? reject(error) : resolve(found)), domain);
  }), 'lookup');
  const found = await lookup('MAIN');
  assert.equal(found.addr, '127.0.0.1');
  assert.equal(found.port, port);
  assert.equal(found.domain, vsoa.AF_INET);
  assert.equal(found.security, false);
  assert.equal((await lookup('legacy', vsoa.AF_INET)).addr, '10.0.0.9');
  await assert.rejects(lookup('nobody'));

  const peer = await open('vsoa://main');
  const { payload } = await peer.call('/echo', { param: { by: 'name' } });
  assert.deepEqual(payload.param, { by: 'name' });
});

test('no client complained about anything', () => {
  const guarded = (error) => error.status === vsoa.code.PASSWORD;
  for (const peer of peers) assert.deepEqual(peer.errors.filter((e) => !guarded(e)), []);
});
