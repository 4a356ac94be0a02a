// A resolver rule for Node, loaded with --import: Alibaba Cloud's hosts lead to the sandbox's port
// for HTTPS, and names below localhost to this machine. The SDKs stay as they are.
import net from "node:net";

const { TLS_PORT } = process.env;
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...given) {
  const options = Array.isArray(given[0]) ? given[0][0] : given[0];
  if (options?.host?.endsWith(".aliyuncs.com") && Number(options.port) === 443) {
    Object.assign(options, { host: "127.0.0.1", port: Number(TLS_PORT) });
  } else if (options?.host?.endsWith(".localhost")) {
    options.host = "127.0.0.1";
  }
  return connect.apply(this, given);
};
