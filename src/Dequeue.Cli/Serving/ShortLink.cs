using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Cli.Serving;

/// <summary>A link that fits on a line, to an address with a token in it. Its path is guessed by nobody who may not have the token, and ends
/// with the process.</summary>
internal sealed class ShortLink
{
    /// <summary>40 bits: at a hundred thousand guesses a second, two months for half of them.</summary>
    private const int RandomBytes = 5;

    private string? _target;

    /// <summary>The path, after the server's own address.</summary>
    public string Path { get; } = "/demo/" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>Where it leads.</summary>
    public void LeadTo(string target) => _target = target;

    /// <summary>Puts it in front of what the server answers.</summary>
    public void Use(IApplicationBuilder app) => app.Map(Path, branch => branch.Run(context =>
    {
        context.Response.Headers.CacheControl = "no-store";
        if (_target is { } target) context.Response.Redirect(target);
        else context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }));
}
