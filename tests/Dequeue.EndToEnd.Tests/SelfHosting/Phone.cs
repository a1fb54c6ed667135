using System.Globalization;
using System.Net;

namespace Dequeue.EndToEnd.Tests.SelfHosting;

/// <summary>
/// A place for clients that reach this machine by a network alone: a network namespace with one cable to it. Where the machine allows no
/// namespaces, the machine itself.
/// </summary>
internal sealed class Phone : IAsyncDisposable
{
    private static int _count;

    private readonly string? _name;

    private Phone(string? name, IPAddress machine) => (_name, Machine) = (name, machine);

    /// <summary>How the phone reaches this machine.</summary>
    public IPAddress Machine { get; }

    /// <summary>Whether it has a network of its own.</summary>
    public bool IsElsewhere => _name is not null;

    /// <summary>What comes before a command so that it is run there.</summary>
    public string[] Prefix => _name is null ? [] : ["ip", "netns", "exec", _name];

    public static async Task<Phone> PlugInAsync()
    {
        var number = Interlocked.Increment(ref _count);
        var name = string.Create(CultureInfo.InvariantCulture, $"dq{Environment.ProcessId}-{number}");
        if (!Environment.IsPrivilegedProcess || DebianProgram.Find("ip") is not { } ip || (await DebianProgram.RunAsync(ip, "netns", "add", name)).Code != 0)
            return new Phone(null, IPAddress.Loopback);

        // A /30 of 10.0.0.0/8 that no other test process has.
        var net = ((Environment.ProcessId * 16) + number) % 0x3F_FFFF * 4;
        string Address(int host) => string.Create(CultureInfo.InvariantCulture, $"10.{net >> 16}.{(net >> 8) & 255}.{(net & 255) + host}");
        var (here, there) = (string.Create(CultureInfo.InvariantCulture, $"h{Environment.ProcessId}-{number}"), string.Create(CultureInfo.InvariantCulture, $"p{Environment.ProcessId}-{number}"));
        foreach (var command in new string[][]
        {
            ["link", "add", here, "type", "veth", "peer", "name", there],
            ["link", "set", there, "netns", name],
            ["addr", "add", Address(1) + "/30", "dev", here],
            ["link", "set", here, "up"],
            ["-n", name, "addr", "add", Address(2) + "/30", "dev", there],
            ["-n", name, "link", "set", there, "up"],
            ["-n", name, "link", "set", "lo", "up"],
        })
        {
            var (code, output) = await DebianProgram.RunAsync(ip, command);
            Assert.True(code == 0, $"ip {string.Join(' ', command)}: {output}");
        }

        return new Phone(name, IPAddress.Parse(Address(1)));
    }

    // With the namespace its end of the cable goes, and with that the other one.
    public async ValueTask DisposeAsync()
    {
        if (_name is not null) await DebianProgram.RunAsync(DebianProgram.Find("ip")!, "netns", "delete", _name);
    }
}
