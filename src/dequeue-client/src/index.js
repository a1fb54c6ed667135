export { EventDigest, digestOf } from './digest.js';
export { readEvent } from './events.js';
export { SignedOut, SyncFailure } from './failure.js';
export { MemoryStore } from './memory-store.js';
export { SyncManager } from './sync-manager.js';
