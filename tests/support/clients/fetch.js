// SPDX-License-Identifier: Apache-2.0
// Node with its resolver of choice: `libc` is getaddrinfo on a thread, `cares` is c-ares in the event loop.
const dns = require('dns');
const http = require('http');

const [resolver, host, port, path] = process.argv.slice(2);
const options = {host, port, path, headers: {Host: host}, timeout: 5000};
if (resolver === 'cares') {
  options.lookup = (name, settings, done) => dns.resolve4(
      name, (error, list) => settings.all ? done(error, (list || []).map(address => ({address, family: 4})))
                                          : done(error, list && list[0], 4));
}
http.get(options, response => {
  console.log('HTTP', response.statusCode);
  response.resume();
}).on('error', error => {
  console.log(error.code);
  process.exitCode = 1;
});
