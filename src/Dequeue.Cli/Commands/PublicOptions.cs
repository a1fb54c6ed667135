using System.CommandLine;
using System.Globalization;
using System.Net;
using Dequeue.Cli.Serving;

namespace Dequeue.Cli.Commands;

/// <summary>The options of a server that others than this machine can reach.</summary>
internal sealed class PublicOptions
{
    private readonly Option<string?> _listen = new("--listen")
    {
        Description = "Address that others reach, with a port (then without --port) or without one; 0.0.0.0 for all of IPv4, [::] for all. Default 127.0.0.1",
    };
    private readonly Option<string?> _publicUrl = new("--public-url") { Description = "URL at which clients reach the server, such as https://sync.example/base" };
    private readonly Option<string[]> _proxies = new("--proxy")
    {
        Description = "Address, or network as 10.0.0.0/8, of a proxy whose X-Forwarded-Proto, -Host and -Prefix are believed; may be repeated",
    };
    private readonly Option<string?> _certificate = new("--certificate") { Description = "Certificate of https: PEM with its chain, or PFX. A renewed one is taken by itself" };
    private readonly Option<string?> _key = new("--certificate-key") { Description = "Its key in PEM, if it is not in the same file" };
    private readonly Option<string?> _password = new("--certificate-password-file") { Description = "File with the password of the key or the PFX" };
    private readonly Option<bool> _developmentTokens = new("--development-tokens") { Description = "Take the tokens of 'dequeue token' although others can reach the server" };
    private readonly Option<int> _localPort = new("--local-port") { Description = "Port of 127.0.0.1 for what runs on this machine, when the server is reached by others; 0 for any free one" };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _listen, _publicUrl, _proxies, _certificate, _key, _password, _developmentTokens, _localPort }) command.Options.Add(option);
        _localPort.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is < 0 or > 65535) result.AddError("--local-port is 0 to 65535.");
        });
    }

    /// <summary>The options of a server.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="backend">What else it was told.</param>
    /// <param name="namesPort">Whether that names its port.</param>
    /// <exception cref="UsageException">They contradict each other, or are malformed.</exception>
    public BackendOptions Read(ParseResult parsed, BackendOptions backend, bool namesPort)
    {
        var (listen, port) = Listen(parsed.GetValue(_listen));
        if (port > 0 && namesPort) throw new UsageException("--listen names a port, and --port does too.");
        var side = new PublicSide
        {
            Listen = listen,
            Url = Url(parsed.GetValue(_publicUrl)),
            Proxies = [.. (parsed.GetValue(_proxies) ?? []).Select(Proxy)],
            Certificate = Certificate(parsed),
            TakesDevelopmentTokens = parsed.GetValue(_developmentTokens),
            LocalPort = parsed.GetValue(_localPort),
        };
        var isAsked = IsGiven(_listen, _publicUrl, _proxies, _certificate);
        if (!isAsked && IsGiven(_developmentTokens, _localPort))
            throw new UsageException("--development-tokens and --local-port are for a server that others reach: add --listen, --public-url or --proxy.");
        bool IsGiven(params Option[] options) => options.Any(option => parsed.GetResult(option) is { Implicit: false });
        return backend with { Port = port > 0 ? port : backend.Port, PublicSide = isAsked ? side : null };
    }

    private static (IPAddress Address, int Port) Listen(string? text)
    {
        if (text is null) return (IPAddress.Loopback, 0);

        // "1" and "0x7f000001" are addresses too, but nobody means them.
        if (IPAddress.TryParse(text, out var address) && (text.Contains('.', StringComparison.Ordinal) || text.Contains(':', StringComparison.Ordinal)) && !text.StartsWith('['))
            return (address, 0);
        return IPEndPoint.TryParse(text, out var both) && (text.Contains('.', StringComparison.Ordinal) || text.StartsWith('['))
            ? (both.Address, both.Port)
            : throw new UsageException($"--listen is an address of this machine, such as 0.0.0.0 or 192.0.2.7:443, not {text}.");
    }

    private static Uri? Url(string? text)
        => text is null ? null
            : Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url is { Query: "", Fragment: "", UserInfo: "" } ? url
            : throw new UsageException("--public-url is a URL such as https://sync.example or https://example.org/sync.");

    private static IPNetwork Proxy(string text)
        => IPNetwork.TryParse(text, out var network) ? network
            : IPAddress.TryParse(text, out var one) ? new IPNetwork(one, one.GetAddressBytes().Length * 8)
            : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--proxy is an address or a network, such as 127.0.0.1 or 10.0.0.0/8, not {text}."));

    private Func<System.Net.Security.SslStreamCertificateContext>? Certificate(ParseResult parsed)
    {
        if (parsed.GetValue(_certificate) is { } file)
            return CertificateFiles.Open(file, parsed.GetValue(_key), parsed.GetValue(_password), TimeProvider.System).Current;
        return parsed.GetValue(_key) is null && parsed.GetValue(_password) is null
            ? null
            : throw new UsageException("--certificate-key and --certificate-password-file belong to a --certificate.");
    }
}
