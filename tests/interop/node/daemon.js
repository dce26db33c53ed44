// Runs programs of this build for a test: vsoad with a configuration of its own, or a helper. Ports
// are chosen by the kernel and read from what the program prints; nothing waits for a fixed time.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const patience = 20000;

// The paths that ctest hands over.
function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this by ctest`);
  return value;
}

class Program {
  constructor(file, args, environment = {}) {
    this.output = '';
    this.waiters = [];
    this.child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        this.output += text;
        this.check();
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        this.exit = { code, signal };
        this.check();
        resolve(this.exit);
      });
    });
  }

  check() {
    this.waiters = this.waiters.filter((waiter) => !waiter());
  }

  // The match of `pattern` in what was printed, as soon as there is one.
  printed(pattern) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.complaint(pattern)), patience);
      const waiter = () => {
        const found = pattern.exec(this.output);
        if (!found && !this.exit) return false;
        clearTimeout(timer);
        if (found) resolve(found);
        else reject(this.complaint(pattern));
        return true;
      };
      if (!waiter()) this.waiters.push(waiter);
    });
  }

  complaint(pattern) {
    return new Error(`nothing like ${pattern} was printed, but:\n${this.output}`);
  }

  async stop(signal = 'SIGTERM') {
    this.child.stdin.end();
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), patience);
    await this.ended;
    clearTimeout(timer);
    return this.exit;
  }
}

class Daemon extends Program {
  // `config` is YAML; the directory of the bundled plugins is added, and their `settings`.
  static async start(config, settings = '') {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'vsoa-interop-'));
    const file = path.join(directory, 'vsoad.yaml');
    fs.writeFileSync(file, `plugins: { directory: "${needed('VSOAD_PLUGIN_DIRECTORY')}", settings: { ${settings} } }\n${config}`);
    const daemon = new Daemon(needed('VSOAD_PROGRAM'), ['--config', file]);
    daemon.directory = directory;
    try {
      await daemon.printed(/\bready\b/);
    } catch (error) {
      await daemon.stop('SIGKILL');
      throw error;
    }
    return daemon;
  }

  port(service = 'main') {
    const found = new RegExp(`service "${service}" listening on \\S+:(\\d+)`).exec(this.output);
    if (!found) throw this.complaint(service);
    return Number(found[1]);
  }

  positionPort() {
    const found = /position listening on \S+:(\d+)/.exec(this.output);
    if (!found) throw this.complaint('position');
    return Number(found[1]);
  }

  async stop(signal) {
    const exit = await super.stop(signal);
    fs.rmSync(this.directory, { recursive: true, force: true });
    return exit;
  }
}

module.exports = { Daemon, Program, needed, patience };
