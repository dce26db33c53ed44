// libvsoa's client, in the program lib_client, and what drives it against official servers.
'use strict';

const { Program, needed } = require('./daemon.js');
const { vsoa, within } = require('./peer.js');

const programs = [];
const servers = [];

// The client's program: do() gives it a command and resolves to its answer.
class LibClient extends Program {
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

// Starts an official server on loopback. `port`: 0 is one of the kernel's choice; `tls`: the server's
// TLS options.
function listen(server, port = 0, tls = undefined) {
  servers.push(server);
  return within(new Promise((resolve, reject) => {
    server.start({ domain: vsoa.AF_INET, addr: '127.0.0.1', port }, tls,
      (error) => (error ? reject(error) : resolve(server)));
  }), 'server start');
}

const portOf = (server) => server.address().port;
const urlOf = (server) => `vsoa://127.0.0.1:${portOf(server)}`;

// An official position server with these entries; work(environment) runs while it does.
async function withPosition(entries, work) {
  const position = new vsoa.Position(
    entries.map((entry) => ({ domain: vsoa.AF_INET, addr: '127.0.0.1', security: false, ...entry })),
    { domain: vsoa.AF_INET, addr: '127.0.0.1', port: 0 });
  position.onquery = (name, domain, answer) => answer(undefined);
  await new Promise((resolve) => position.start(resolve));
  try {
    await work({ VSOA_POS_SERVER: `127.0.0.1:${position._udp.address().port}` });
  } finally {
    position.close();
  }
}

async function stopAll() {
  for (const program of programs) program.child.stdin.end();
  await Promise.all(programs.map((program) => program.ended));
  for (const each of servers) each.close();
}

module.exports = { LibClient, listen, portOf, stopAll, urlOf, withPosition };
