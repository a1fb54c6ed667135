// Every scripted conversation, played with the JavaScript client.
import test from "node:test";
import { conversations, play } from "./player.mjs";

for (const conversation of await conversations()) test(`${conversation.file}: ${conversation.name}`, () => play(conversation));
