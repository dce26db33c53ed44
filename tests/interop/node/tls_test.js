// The official Node.js client against a real vsoad, over TLS. It trusts the CAs of its runtime only,
// which are named when that starts: so this starts itself once more.
'use strict';

const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const { after, before, test } = require('node:test');
const { startTrusting, trusted } = require('./certificates.js');
const { Daemon } = require('./daemon.js');

function run(files) {
  const { Peer, within } = require('./peer.js');
  const identity = {
    cert: fs.readFileSync(files.client_cert), key: fs.readFileSync(files.client_key),
  };
  const tls = `cert: ${files.cert}, key: ${files.key}`;
  const rest = `
    commands: { /echo: { plugin: echo }, /stream: { plugin: echo } }
    topics: { /relay/: { relay: true } }`;
  const config = `
services:
  - name: main
    listen: "127.0.0.1:0"
    tls: { ${tls} }${rest}
  - name: mutual
    listen: "127.0.0.1:0"
    tls: { ${tls}, ca: ${files.ca} }
    credentials: [ { role: gateway, certificate: "CN=gateway*" } ]${rest}
`;
  let daemon;
  const peers = [];

  async function open(service, options, tlsOptions) {
    const peer = new Peer(options);
    peers.push(peer);
    await peer.connect(daemon.port(service), tlsOptions);
    return peer;
  }

  before(async () => {
    daemon = await Daemon.start(config);
  });

  after(async () => {
    for (const peer of peers) peer.close();
    assert.equal((await daemon.stop()).code, 0);
  });

  test('one-way: info, calls small and large, publish, datagram', async () => {
    const peer = await open('main', undefined, {});
    const { error, payload } = await peer.call('/echo', { param: { a: 1 } });
    assert.equal(error, undefined);
    assert.deepEqual(payload.param, { a: 1 });
    const data = Buffer.alloc(250000, 7);
    const large = await peer.call('/echo', { data });
    assert.ok(data.equals(large.payload.data));
    await peer.subscribe('/relay/');
    peer.datagram('/relay/x', { param: { b: 2 } });
    const item = await peer.next();
    assert.equal(item.url, '/relay/x');
    assert.deepEqual(item.payload.param, { b: 2 });
  });

  test('a quick datagram goes nowhere and breaks nothing', async () => {
    const peer = await open('main', undefined, {});
    await peer.subscribe('/relay/');
    peer.datagram('/relay/x', { param: { b: 3 } }, true);
    assert.deepEqual(await peer.since(), []);
    assert.deepEqual(peer.errors, []);
  });

  test('mutual: a certificate opens, and gives the role', async () => {
    const peer = await open('mutual', undefined, identity);
    const { payload } = await peer.call('/echo', { param: 'text' });
    assert.equal(payload.param, 'text');
  });

  for (const [service, options] of [['main', {}], ['mutual', identity]]) {
    test(`${service}: a stream, over TLS too, gives back what it is sent`, async () => {
      const peer = await open(service, undefined, options);
      const { error, tunid } = await peer.call('/stream', { param: { dir: 'echo' } });
      assert.equal(error, undefined);
      const stream = await peer.stream(tunid);
      assert.equal(stream._net.encrypted, true);
      const sent = randomBytes(1 << 20);
      const back = within(new Promise((resolve, reject) => {
        const pieces = [];
        let count = 0;
        stream.on('error', reject);
        stream.on('data', (piece) => {
          pieces.push(piece);
          count += piece.length;
          if (count >= sent.length) resolve(Buffer.concat(pieces));
        });
      }), 'bytes of the stream');
      stream.write(sent);
      assert.ok(sent.equals(await back));
      stream.end();
    });
  }

  test('mutual: without a certificate there is no connection', async () => {
    await assert.rejects(open('mutual', undefined, {}));
  });
}

if (trusted()) run(trusted());
else startTrusting(__filename);
