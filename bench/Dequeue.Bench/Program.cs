using System.CommandLine;
using System.Globalization;
using Dequeue.Bench;
using Dequeue.Cli.Commands;

var runs = new Option<int>("--runs") { Description = "Repetitions of each side, in turn", DefaultValueFactory = _ => 7 };
var output = new Option<DirectoryInfo?>("--out") { Description = "Folder for the report; default: print only" };
var floorEvents = new Option<int>("--events") { DefaultValueFactory = _ => 10_000 };

var b1 = new Command("b1", "Initial sync by stream against the floor: the same bytes from a bare socket.") { runs, output };
b1.SetAction((parsed, token) => Report.WriteAsync("b1", parsed.GetValue(output), InitialSyncBench.RunAsync(parsed.GetValue(runs), token)));

var b2 = new Command("b2", "Stream against REST pages through a link of 50 ms round trip.") { runs, output };
b2.SetAction((parsed, token) => Report.WriteAsync("b2", parsed.GetValue(output), RoundTripBench.RunAsync(parsed.GetValue(runs), token)));

var b6 = new Command("b6", "How soon a device has its first batch, its active stack, and what is new.") { runs, output };
b6.SetAction((parsed, token) => Report.WriteAsync("b6", parsed.GetValue(output), FirstSightBench.RunAsync(parsed.GetValue(runs), token)));

var b7 = new Command("b7", "What compression and deltas save on the wire, and what they cost the server.") { runs, output };
b7.SetAction((parsed, token) => Report.WriteAsync("b7", parsed.GetValue(output), WireBench.RunAsync(parsed.GetValue(runs), token)));

var b11 = new Command("b11", "What the durable way of a long stream costs over the direct one.") { runs, output };
b11.SetAction((parsed, token) => Report.WriteAsync("b11", parsed.GetValue(output), StepBench.RunAsync(parsed.GetValue(runs), token)));

var histories = new Option<string[]>("--history")
{
    Description = "A history as EVENTS:TASKS",
    DefaultValueFactory = _ => ["10000:2000", "100000:2000", "100000:5000", "100000:20000", "1000000:20000"],
};
var against = new Option<FileInfo?>("--against") { Description = "Another build of this program, measured in turn" };
var b12 = new Command("b12", "A first sync of what still matters, against the whole history.") { histories, runs, against, output };
b12.SetAction((parsed, token) => Report.WriteAsync("b12", parsed.GetValue(output), CompactBench.RunAsync(
    [.. parsed.GetRequiredValue(histories).Select(static text => text.Split(':')).Select(static parts => (Number(parts[0]), Number(parts[1])))],
    parsed.GetValue(runs),
    parsed.GetValue(against),
    token)));

var b13 = new Command("b13", "What the functions host costs: start, small call, page, stream, memory.") { runs, against, output };
b13.SetAction((parsed, token) => Report.WriteAsync(
    "b13", parsed.GetValue(output), HostBench.RunAsync(parsed.GetValue(runs), parsed.GetValue(against), token)));

var lengths = new Option<int[]>("--events") { Description = "Lengths of the histories", DefaultValueFactory = _ => [60_000] };
var megabits = new Option<double[]>("--megabits") { Description = "Speeds of the links", DefaultValueFactory = _ => [8, 25] };
var stall = new Option<int>("--stall") { Description = "Seconds that each link stalls in the middle", DefaultValueFactory = _ => 0 };
var links = new Command("links", "Whether long streams end as streams on slow links.") { lengths, megabits, stall, output };
links.SetAction((parsed, token) => Report.WriteAsync(
    "links", parsed.GetValue(output), LinkBench.RunAsync(parsed.GetRequiredValue(lengths), parsed.GetRequiredValue(megabits), parsed.GetValue(stall), token)));

var live = new Command("live", "From one device's push to another's store.") { runs, output };
live.SetAction((parsed, token) => Report.WriteAsync("live", parsed.GetValue(output), LiveBench.RunAsync(10 * parsed.GetValue(runs), token)));

var floor = new Command("floor-server", "The bare socket that b1 compares with.") { floorEvents };
floor.Hidden = true;
floor.SetAction(async (parsed, token) =>
{
    await BareSocket.ServeAsync(parsed.GetValue(floorEvents), token);
    return 0;
});

var root = new RootCommand("Measures, each side against what it is compared with, in the same run. See bench/README.md.") { b1, b2, b6, b7, b11, b12, b13, links, live, floor };
return await CommandRunner.RunAsync(root, args);

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
