// What is checked here is checked on this machine: a script that imports this and opens a connection, fails.
import net from "node:net";

net.Socket.prototype.connect = () => {
  process.on("exit", () => { process.exitCode = 1; });
  throw new Error("a validator tried to open a connection");
};
