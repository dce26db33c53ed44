// libvsoa's client against the official Node.js server and position server.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { LibClient, listen, portOf, stopAll, urlOf, withPosition } = require('./lib_client.js');
const { vsoa, within } = require('./peer.js');

function start(options, port = 0) {
  const server = new vsoa.Server(options);
  server.on('/echo', (cli, request, payload) => cli.reply(0, request.seqno, payload));
  server.on('/method', (cli, request) => cli.reply(0, request.seqno,
    { param: { set: request.method === vsoa.method.SET } }));
  server.on('/fail', (cli, request) => cli.reply(200, request.seqno, { param: { why: 1 } }, 4321));
  server.on('/priority', (cli, request) => {
    cli.priority(5);
    cli.reply(0, request.seqno);
  });
  server.on('/close', (cli) => cli.close());
  server.ondata = (cli, url, payload, quick) => cli.datagram(url, payload, !!quick);
  return listen(server, port);
}

let server;
let client;

before(async () => {
  server = await start({ info: { name: 'official' } });
  client = new LibClient();
  assert.equal(await client.do(`connect ${urlOf(server)}`), 'connected {"name":"official"}');
});

after(stopAll);

test('calls: payload, method, status, tunnel id, unknown URLs', async () => {
  assert.equal(await client.do('call get /echo {"a":1} bytes'), 'reply 0 0 {"a":1} bytes');
  assert.equal(await client.do('call get /echo - -'), 'reply 0 0 - -');
  assert.equal(await client.do('call get /method - -'), 'reply 0 0 {"set":false} -');
  assert.equal(await client.do('call set /method - -'), 'reply 0 0 {"set":true} -');
  assert.equal(await client.do('call get /fail - -'), 'reply 200 4321 {"why":1} -');
  assert.equal(await client.do('call get /nobody - -'), 'reply 3 0 - -');
});

test('ping', async () => {
  assert.equal(await client.do('ping'), 'done');
});

test('subscriptions: one, several, none any more; publishes normal and quick', async () => {
  assert.equal(await client.do('subscribe /a'), 'done');
  assert.equal(await client.do('subscribe /b/ /c'), 'done');
  for (const quick of [false, true]) {
    server.publish('/d', { param: {} }, quick);
    for (const url of ['/a', '/b/x', '/c']) {
      server.publish(url, { param: { n: 1 }, data: Buffer.from('data') }, quick);
      assert.equal(await client.line(/^message /),
        `message ${url} {"n":1} data ${quick ? 'quick' : 'normal'}`);
    }
  }
  assert.equal(await client.do('unsubscribe /a'), 'done');
  assert.equal(server.isSubscribed('/a'), false);
  assert.equal(server.isSubscribed('/c'), true);
  assert.equal(await client.do('unsubscribe_all'), 'done');
  assert.equal(server.isSubscribed('/c'), false);
});

test('datagrams both ways, normal and quick', async () => {
  for (const via of ['normal', 'quick']) {
    assert.equal(await client.do(`datagram ${via} /d/x [1] data`), 'done');
    assert.equal(await client.line(/^datagram /), `datagram /d/x [1] data ${via}`);
  }
});

test('the priority that the server sets', async () => {
  assert.equal(await client.do('call get /priority - -'), 'reply 0 0 - -');
  assert.equal(await client.do('ping'), 'done');
  assert.equal(await client.do('priority'), 'priority 5');
});

test('passwords', async () => {
  const guarded = await start({ info: { name: 'guarded' }, passwd: 'a"b\\c' });
  const other = new LibClient();
  assert.match(await other.do(`connect ${urlOf(guarded)}`), /^failed wrong password/);
  assert.match(await other.do(`connect ${urlOf(guarded)} no`), /^failed wrong password/);
  assert.equal(await other.do(`connect ${urlOf(guarded)} a"b\\c`), 'connected {"name":"guarded"}');
  assert.equal(await other.do('call get /echo [1] -'), 'reply 0 0 [1] -');
  assert.equal(await other.do(`fetch ${urlOf(guarded)}/echo a"b\\c [2] -`), 'reply 0 0 [2] -');
  assert.match(await other.do(`fetch ${urlOf(guarded)}/echo no [2] -`), /^failed wrong password/);
});

test('names, by the official position server', async () => {
  await withPosition([
    { name: 'cabin', port: portOf(server) }, { name: 'safe', port: portOf(server), security: true },
  ], async (environment) => {
    const named = new LibClient(environment);
    assert.equal(await named.do('connect vsoa://Cabin'), 'connected {"name":"official"}');
    assert.equal(await named.do('disconnect'), 'done');
    assert.match(await named.do('connect vsoa://safe'), /^failed TLS/);
    assert.equal(await named.do('fetch vsoa://cabin/echo - {"b":2} -'), 'reply 0 0 {"b":2} -');
  });
});

test('the robot comes back, and its subscriptions with it', async () => {
  let mortal = await start({ info: { name: 'mortal' } });
  const port = portOf(mortal);
  const robot = new LibClient();
  await robot.do(`robot ${urlOf(mortal)}`);
  await robot.line(/^up$/);
  assert.equal(await robot.do('subscribe /news/ /x'), 'done');
  for (let round = 0; round < 3; round += 1) {
    await within(new Promise((resolve) => mortal.close(true, resolve)), 'server close');
    await robot.line(/^down$/);
    mortal = await start({ info: { name: 'mortal' } }, port);
    await robot.line(/^up$/);
    assert.equal(await robot.do('ping'), 'done'); // behind the subscriptions
    mortal.publish('/news/today', { param: { round } });
    assert.equal(await robot.line(/^message /), `message /news/today {"round":${round}} - normal`);
  }
});

test('the server closes the client', async () => {
  const other = new LibClient();
  await other.do(`connect ${urlOf(server)}`);
  assert.match(await other.do('call get /close - -'), /^failed the connection has ended/);
  await other.line(/^down$/);
});
