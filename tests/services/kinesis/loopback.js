"use strict";
// Servers of this process listen on the loopback interface alone, whatever address they name.
const net = require("net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...given) {
  const options = given.find((each) => each !== null && typeof each === "object");
  if (options !== undefined) options.host = "127.0.0.1";
  else given.splice(1, typeof given[1] === "string" ? 1 : 0, "127.0.0.1");
  return listen.apply(this, given);
};
