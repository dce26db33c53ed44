// libvsoa's client against the official Node.js server over TLS: one-way and mutual.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, before, test } = require('node:test');
const { makeCertificates } = require('./certificates.js');
const { LibClient, listen, portOf, stopAll, urlOf, withPosition } = require('./lib_client.js');
const { vsoa } = require('./peer.js');

let certificates;
let files;
let oneWay;
let mutual;

function start(name, tls) {
  const server = new vsoa.Server({ info: { name } });
  server.on('/echo', (cli, request, payload) => cli.reply(0, request.seqno, payload));
  // The official server has no function for it: what Node.js knows of the connection.
  server.on('/who', (cli, request) => cli.reply(0, request.seqno,
    { param: { who: cli._net.getPeerCertificate().subject?.CN ?? null } }));
  server.ondata = (cli, url, payload, quick) => cli.datagram(url, payload, !!quick);
  const own = { cert: fs.readFileSync(files.cert), key: fs.readFileSync(files.key) };
  return listen(server, 0, { ...own, ...tls });
}

before(async () => {
  certificates = await makeCertificates();
  files = certificates.files;
  oneWay = await start('one-way', {});
  mutual = await start('mutual', { ca: fs.readFileSync(files.ca), requestCert: true });
});

after(async () => {
  await stopAll();
  await certificates.remove();
});

// A client that trusts the CA, and what else it needs.
async function trusting(options = '', environment = undefined) {
  const client = new LibClient(environment);
  assert.equal(await client.do(`tls ${files.ca} ${options}`), 'done');
  return client;
}

test('one-way: the certificate, calls small and large, publishes, datagrams, a one-shot fetch', async () => {
  const client = await trusting();
  assert.equal(await client.do('certificate'), 'none');
  assert.equal(await client.do(`connect ${urlOf(oneWay)}`), 'connected {"name":"one-way"}');
  assert.equal(await client.do('certificate'), 'CN=server');
  assert.equal(await client.do('call get /echo {"a":1} bytes'), 'reply 0 0 {"a":1} bytes');
  const large = 'x'.repeat(250000);
  assert.equal(await client.do(`call get /echo - ${large}`), `reply 0 0 - ${large}`);
  assert.equal(await client.do('call get /who - -'), 'reply 0 0 {"who":null} -');
  assert.equal(await client.do('ping'), 'done');
  assert.equal(await client.do('subscribe /a/'), 'done');
  oneWay.publish('/a/b', { param: { n: 1 }, data: Buffer.from('data') });
  assert.equal(await client.line(/^message /), 'message /a/b {"n":1} data normal');
  assert.equal(await client.do('datagram normal /d/x [1] data'), 'done');
  assert.equal(await client.line(/^datagram /), 'datagram /d/x [1] data normal');
  assert.equal(await client.do(`fetch ${urlOf(oneWay)}/echo - [2] -`), 'reply 0 0 [2] -');
});

test('the quick channel, which that server has in the clear also under TLS, is not used', async () => {
  const client = await trusting();
  await client.do(`connect ${urlOf(oneWay)}`);
  assert.equal(await client.do('datagram quick /d/x [1] data'), 'failed');
  await client.do('subscribe /a/');
  oneWay.publish('/a/quick', { param: {} }, true);
  oneWay.publish('/a/normal', { param: {} });
  assert.equal(await client.line(/^message /), 'message /a/normal {} - normal');
});

test('one-way: another CA, another host, or no TLS: no connection', async () => {
  const client = await trusting();
  assert.match(await client.do(`tls ${files.other_ca}`), /^done/);
  assert.match(await client.do(`connect ${urlOf(oneWay)}`), /^failed TLS/);
  await client.do(`tls ${files.ca} - - elsewhere.example`);
  assert.match(await client.do(`connect ${urlOf(oneWay)}`), /^failed TLS/);
  await client.do(`tls ${files.ca} - - localhost`);
  assert.match(await client.do(`connect ${urlOf(oneWay)}`), /^connected/);
  assert.match(await new LibClient().do(`connect ${urlOf(oneWay)}`), /^failed/);
});

test('one-way: a name whose position entry demands TLS', async () => {
  await withPosition([{ name: 'safe', port: portOf(oneWay), security: true }], async (environment) => {
    const client = await trusting('- - localhost', environment);
    assert.equal(await client.do('connect vsoa://safe'), 'connected {"name":"one-way"}');
    assert.equal(await client.do('certificate'), 'CN=server');
  });
});

test('mutual: the server knows the client by its certificate', async () => {
  const client = await trusting(`${files.client_cert} ${files.client_key}`);
  assert.equal(await client.do(`connect ${urlOf(mutual)}`), 'connected {"name":"mutual"}');
  assert.equal(await client.do('certificate'), 'CN=server');
  assert.equal(await client.do('call get /who - -'), 'reply 0 0 {"who":"gateway-1"} -');
  assert.equal(await client.do('call get /echo {"a":1} bytes'), 'reply 0 0 {"a":1} bytes');
});

// Node.js looks at a client's certificate when the handshake is over, and sends no alert, with which
// our own server says why: it just closes.
test('mutual: without a certificate, or with one of another CA, there is no connection', async () => {
  const bare = await trusting();
  assert.match(await bare.do(`connect ${urlOf(mutual)}`), /^failed the server did not answer/);
  const stranger = await trusting(`${files.stranger_cert} ${files.stranger_key}`);
  assert.match(await stranger.do(`connect ${urlOf(mutual)}`), /^failed the server did not answer/);
});

for (const kind of ['one-way', 'mutual']) {
  test(`${kind}: the robot comes back`, async () => {
    const tls = kind === 'mutual' ? { ca: fs.readFileSync(files.ca), requestCert: true } : {};
    const server = await start('mortal', tls);
    const clients = [];
    server.onclient = (cli, connected) => connected && clients.push(cli);
    const robot = await trusting(`${files.client_cert} ${files.client_key}`);
    await robot.do(`robot ${urlOf(server)}`);
    for (let round = 0; round < 3; ++round) {
      await robot.line(/^up$/);
      assert.equal(await robot.do('call get /echo [1] -'), 'reply 0 0 [1] -');
      clients.pop().close();
      await robot.line(/^down$/);
    }
  });
}
