// libvsoa's client against the official Node.js server and position server.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { Program, needed } = require('./daemon.js');
const { vsoa, within } = require('./peer.js');

const programs = [];
const servers = [];

// The client's program: do() gives it a command and resolves to its answer.
class Client extends Program {
  constructor(environment = {}) {
    super(needed('VSOA_LIB_CLIENT'), [], environment);
    this.taken = new Set(); // numbers of lines
    programs.push(this);
  }

  // The first line that matches and has not been taken: events and answers come from two threads.
  async line(pattern) {
    let found;
    await this.printed({
      exec: (output) => {
        const lines = output.split('\n').slice(0, -1);
        found = lines.findIndex((line, n) => !this.taken.has(n) && pattern.test(line));
        return found >= 0 ? (found = { n: found, line: lines[found] }) : null;
      },
      toString: () => String(pattern),
    });
    this.taken.add(found.n);
    return found.line;
  }

  async do(command) {
    this.child.stdin.write(`${command}\n`);
    return (await this.line(/^= /)).slice(2);
  }
}

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
  servers.push(server);
  return within(new Promise((resolve, reject) => {
    server.start({ domain: vsoa.AF_INET, addr: '127.0.0.1', port }, undefined,
      (error) => (error ? reject(error) : resolve(server)));
  }), 'server start');
}

const portOf = (server) => server.address().port;
const urlOf = (server) => `vsoa://127.0.0.1:${portOf(server)}`;

let server;
let client;

before(async () => {
  server = await start({ info: { name: 'official' } });
  client = new Client();
  assert.equal(await client.do(`connect ${urlOf(server)}`), 'connected {"name":"official"}');
});

after(async () => {
  for (const program of programs) program.child.stdin.end();
  await Promise.all(programs.map((program) => program.ended));
  for (const each of servers) each.close();
});

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
  const other = new Client();
  assert.match(await other.do(`connect ${urlOf(guarded)}`), /^failed wrong password/);
  assert.match(await other.do(`connect ${urlOf(guarded)} no`), /^failed wrong password/);
  assert.equal(await other.do(`connect ${urlOf(guarded)} a"b\\c`), 'connected {"name":"guarded"}');
  assert.equal(await other.do('call get /echo [1] -'), 'reply 0 0 [1] -');
  assert.equal(await other.do(`fetch ${urlOf(guarded)}/echo a"b\\c [2] -`), 'reply 0 0 [2] -');
  assert.match(await other.do(`fetch ${urlOf(guarded)}/echo no [2] -`), /^failed wrong password/);
});

test('names, by the official position server', async () => {
  const position = new vsoa.Position([
    { name: 'cabin', domain: vsoa.AF_INET, addr: '127.0.0.1', port: portOf(server), security: false },
    { name: 'safe', domain: vsoa.AF_INET, addr: '127.0.0.1', port: portOf(server), security: true },
  ], { domain: vsoa.AF_INET, addr: '127.0.0.1', port: 0 });
  position.onquery = (name, domain, answer) => answer(undefined);
  await new Promise((resolve) => position.start(resolve));
  try {
    const named = new Client({ VSOA_POS_SERVER: `127.0.0.1:${position._udp.address().port}` });
    assert.equal(await named.do('connect vsoa://Cabin'), 'connected {"name":"official"}');
    assert.equal(await named.do('disconnect'), 'done');
    assert.match(await named.do('connect vsoa://safe'), /^failed TLS/);
    assert.equal(await named.do('fetch vsoa://cabin/echo - {"b":2} -'), 'reply 0 0 {"b":2} -');
  } finally {
    position.close();
  }
});

test('the robot comes back, and its subscriptions with it', async () => {
  let mortal = await start({ info: { name: 'mortal' } });
  const port = portOf(mortal);
  const robot = new Client();
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
  const other = new Client();
  await other.do(`connect ${urlOf(server)}`);
  assert.match(await other.do('call get /close - -'), /^failed the connection has ended/);
  await other.line(/^down$/);
});
