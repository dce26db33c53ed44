// Certificates for one test.
'use strict';

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

module.exports = { makeCertificates };
