// Every operation of the data plane, by the unmodified service SDK: node service.mjs CONNECTION_STRING
import assert from "node:assert/strict";
import { open, service, until } from "./tools.mjs";

const hub = service(process.argv[2]);
const connect = async (options, protocols) => open((await hub.getClientAccessToken(options)).url, protocols);
const json = "json.webpubsub.azure.v1";
const idOf = async (client) => JSON.parse(await client.next()).connectionId;
const names = ["g 1/é", "plain", "100%2F", "ü?&#+"];

// Sends: to all with exclusions and filter, to a user, to a connection, to a group of any name, in each content type.
const ann = await connect({ userId: "ann/ü 1", groups: names }, [json]);
const bob = await connect({ userId: "bob", groups: ["plain"] }, [json]);
const [annId, bobId] = [await idOf(ann), await idOf(bob)];
const data = async (client) => { const message = JSON.parse(await client.next()); return [message.from, message.group, message.dataType, message.data]; };

await hub.sendToAll("for bob", { contentType: "text/plain", excludedConnections: [annId] });
assert.deepEqual(await data(bob), ["server", undefined, "text", "for bob"]);
await hub.sendToAll({ n: [1, "é"] }, { filter: "startswith(userId, 'ann') and 'g 1/é' in groups" });
assert.deepEqual(await data(ann), ["server", undefined, "json", { n: [1, "é"] }]);
await hub.sendToUser("ann/ü 1", "a string as JSON");
assert.deepEqual(await data(ann), ["server", undefined, "json", "a string as JSON"]);
await hub.sendToConnection(annId, Buffer.from([1, 2, 255]));
assert.deepEqual(await data(ann), ["server", undefined, "binary", "AQL/"]);
for (const name of names) {
  await hub.group(name).sendToAll({ name }, { messageTtlSeconds: 60 });
  assert.deepEqual(await data(ann), ["group", name, "json", { name }]);
}
assert.deepEqual(await data(bob), ["group", "plain", "json", { name: "plain" }]);
await hub.group("plain").sendToAll("not bob", { contentType: "text/plain", filter: `connectionId ne '${bobId}'` });
await hub.group("plain").sendToAll("not ann", { contentType: "text/plain", excludedConnections: [annId] });
assert.equal((await data(ann))[3], "not bob");
assert.equal((await data(bob))[3], "not ann");
await assert.rejects(hub.sendToAll("x", { contentType: "text/plain", filter: "userId like 'x'" }), { statusCode: 400, code: "Error.BadRequest" });
await hub.sendToUser("nobody", "x");
await hub.group("nothing").sendToAll("x");

// Existence.
assert.equal(await hub.connectionExists(annId), true);
assert.equal(await hub.connectionExists("nobody"), false);
assert.equal(await hub.userExists("ann/ü 1"), true);
assert.equal(await hub.userExists("ANN/ü 1"), false);
assert.equal(await hub.groupExists("g 1/é"), true);
assert.equal(await hub.groupExists("G 1/é"), false);

// Membership, by connection, user and filter.
const members = async (name, options) => {
  const all = [];
  for await (const member of await hub.group(name).listConnections(options)) all.push(member.connectionId);
  return all.sort();
};
await hub.group("m/1").addConnection(annId);
await hub.group("m/1").addUser("bob");
assert.deepEqual(await members("m/1"), [annId, bobId].sort());
assert.deepEqual(await members("m/1", { maxPageSize: 1 }), [annId, bobId].sort());
assert.equal((await members("m/1", { maxPageSize: 1, top: 1 })).length, 1);
await hub.group("m/1").removeConnection(annId);
await hub.group("m/1").removeConnection("nobody");
assert.deepEqual(await members("m/1"), [bobId]);
await hub.group("m/1").removeUser("bob");
assert.deepEqual(await members("m/1"), []);
await assert.rejects(hub.group("m/1").addUser("nobody"), { statusCode: 404, code: "Warning.User.NotExisted" });
await assert.rejects(hub.group("m/1").addConnection("nobody"), { statusCode: 404, code: "Error.Connection.NotExisted" });
await hub.addConnectionsToGroups(["f1", "f2"], "userId eq 'bob'");
assert.deepEqual([await members("f1"), await members("f2")], [[bobId], [bobId]]);
await hub.removeConnectionsFromGroups(["f1"], `connectionId in ('${bobId}')`);
assert.deepEqual([await members("f1"), await members("f2")], [[], [bobId]]);
await hub.removeUserFromAllGroups("bob");
assert.deepEqual([await members("f2"), await members("plain")], [[], [annId]]);
await hub.removeConnectionFromAllGroups(annId);
assert.equal(await hub.groupExists("g 1/é"), false);

// Permissions.
const targetName = "p/ 1";
assert.equal(await hub.hasPermission(annId, "sendToGroup", { targetName }), false);
await hub.grantPermission(annId, "sendToGroup", { targetName });
assert.equal(await hub.hasPermission(annId, "sendToGroup", { targetName }), true);
assert.equal(await hub.hasPermission(annId, "joinLeaveGroup", { targetName }), false);
ann.send(JSON.stringify({ type: "sendToGroup", group: targetName, ackId: 1, data: 1 }));
assert.equal(JSON.parse(await ann.next()).success, true);
await hub.revokePermission(annId, "sendToGroup", { targetName });
ann.send(JSON.stringify({ type: "sendToGroup", group: targetName, ackId: 2, data: 1 }));
assert.equal(JSON.parse(await ann.next()).error.name, "Forbidden");
await assert.rejects(hub.grantPermission("nobody", "sendToGroup", { targetName }), { statusCode: 404, code: "Info.Connection.NotExisted" });
await hub.revokePermission("nobody", "sendToGroup", { targetName });

// Closing.
await hub.closeConnection(annId, { reason: "enough" });
assert.equal(JSON.parse(await ann.next()).message, "Application server closed the connection. Reason: enough");
assert.deepEqual(await ann.closed, { code: 1000, reason: "" });
await hub.closeConnection(annId);
await hub.closeUserConnections("bob");
assert.equal((await bob.closed).code, 1000);
const [cat, dog] = [await connect({ groups: ["z"] }), await connect({ groups: ["z"] })];
await hub.group("z").closeAllConnections({ reason: "all" });
assert.deepEqual([await cat.closed, await dog.closed], [{ code: 1000, reason: "" }, { code: 1000, reason: "" }]);
const eve = await connect({ groups: ["z"] });
await hub.closeAllConnections();
assert.equal((await eve.closed).code, 1000);
await until(async () => !(await hub.groupExists("z")), "the group is gone");

console.log("ok");
