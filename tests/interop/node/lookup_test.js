// libvsoa's lookup against the official Node.js position server.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { Program, needed } = require('./daemon.js');
const { vsoa } = require('./peer.js');

let position;
let port;

before(async () => {
  position = new vsoa.Position([
    { name: 'Cabin', domain: vsoa.AF_INET, addr: '127.0.0.1', port: 3005, security: false },
    { name: 'both', domain: vsoa.AF_INET6, addr: 'fd00::9', port: 65534, security: true },
    { name: 'both', domain: vsoa.AF_INET, addr: '10.0.0.8', port: 1, security: false },
    { name: 'terse', domain: vsoa.AF_INET, addr: '10.0.0.7', port: 7 },
  ], { domain: vsoa.AF_INET, addr: '127.0.0.1', port: 0 });
  position.onquery = (name, domain, answer) => answer(
    name === 'asked' ? { name, domain: vsoa.AF_INET, addr: '10.0.0.6', port: 6 } : undefined);
  await new Promise((resolve) => position.start(resolve));
  port = position._udp.address().port;
});

after(() => position.close());

// What the lookup printed, with the servers handed over in the environment variable.
async function lookup(name, domain = 'any', servers = `127.0.0.1:${port}`) {
  const program = new Program(needed('VSOA_LIB_LOOKUP'), [name, domain],
    { VSOA_POS_SERVER: servers });
  await program.ended;
  return program.output.trim();
}

test('names in the table, whatever the case of the letters', async () => {
  assert.equal(await lookup('cabin'), '127.0.0.1:3005 plain');
  assert.equal(await lookup('CABIN'), '127.0.0.1:3005 plain');
  assert.equal(await lookup('terse'), '10.0.0.7:7 plain');
});

test('a domain selects', async () => {
  assert.equal(await lookup('both'), '[fd00::9]:65534 secure');
  assert.equal(await lookup('both', 'inet6'), '[fd00::9]:65534 secure');
  assert.equal(await lookup('both', 'inet'), '10.0.0.8:1 plain');
});

test('names that the server\'s callback knows, or does not', async () => {
  assert.equal(await lookup('asked'), '10.0.0.6:6 plain');
  assert.equal(await lookup('nobody'), 'unknown');
});

test('the next server is asked when one does not know or does not answer', async () => {
  const silent = new vsoa.Position([], { domain: vsoa.AF_INET, addr: '127.0.0.1', port: 0 });
  await new Promise((resolve) => silent.start(resolve));
  const quiet = `127.0.0.1:${silent._udp.address().port}`;
  try {
    assert.equal(await lookup('cabin', 'any', `${quiet}, 127.0.0.1:${port}`),
      '127.0.0.1:3005 plain');
  } finally {
    silent.close();
  }
});
