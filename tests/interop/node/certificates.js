// Certificates for one test.
'use strict';

const { spawn } = require('node:child_process');
const { Program, needed } = require('./daemon.js');

// { files, remove }: paths by what they are, see make_certificates.cpp; remove() when all is done.
async function makeCertificates() {
  const maker = new Program(needed('VSOA_MAKE_CERTIFICATES'), []);
  await maker.printed(/done/);
  const files = Object.fromEntries(
    maker.output.trim().split('\n').slice(0, -1).map((line) => line.split('=')));
  const remove = async () => {
    maker.child.stdin.end();
    await maker.ended;
  };
  return { files, remove };
}

// Node.js trusts the CAs that are named when it starts: runs `script` once more, by one that trusts
// ours. There, trusted() gives the files; before, nothing.
async function startTrusting(script) {
  const { files, remove } = await makeCertificates();
  const child = spawn(process.execPath, [script], {
    stdio: 'inherit',
    env: { ...process.env, NODE_EXTRA_CA_CERTS: files.ca, VSOA_CERTIFICATES: JSON.stringify(files) },
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  await remove();
  process.exitCode = code === null ? 1 : code;
}

const trusted = () => JSON.parse(process.env.VSOA_CERTIFICATES ?? 'null');

module.exports = { makeCertificates, startTrusting, trusted };
