using System.CommandLine;
using Dequeue.Cli.Commands;

var root = new RootCommand("dequeue: the sync backend of an event-sourced, offline-first app, and its client, on one's own machine.")
{
    DemoCommand.Create(),
    ServeCommand.Create(),
    TokenCommand.Create(),
    PushCommand.Create(),
    SyncCommand.Create(),
    WatchCommand.Create(),
    CheckCommand.Create(),
    InspectCommand.Create(),
    StatusCommand.Create(),
    EraseCommand.Create(),
    BackupCommand.Create(),
    RestoreCommand.Create(),
    PubSubCommand.Create(),
    HostCommand.Create(),
    CompletionCommand.Create(),
};

return await CommandRunner.RunAsync(root, args);
