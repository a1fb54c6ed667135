using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dequeue.WebPubSub.Clients;
using Dequeue.WebPubSub.Hubs;
using Microsoft.AspNetCore.Http;

namespace Dequeue.WebPubSub.Rest;

/// <summary>The members of a group in pages, by connection id; the continuation token is the last id of a page.</summary>
internal static class GroupListing
{
    /// <summary>Largest page, and the default, from the service's API description.</summary>
    private const int MaxPageSize = 200;

    /// <summary>Lists one page.</summary>
    /// <param name="request">The call; its host is the one of the link to the next page.</param>
    /// <param name="path">The path of the call, still encoded.</param>
    /// <param name="hub">The hub.</param>
    /// <param name="group">The group.</param>
    public static RestResult List(HttpRequest request, string path, Hub hub, string group)
    {
        var query = request.Query;
        if (!TryNumber(query, "maxpagesize", MaxPageSize, out var pageSize)) return RestResult.BadRequest($"maxpagesize is a number from 1 to {MaxPageSize}.", "maxpagesize");
        if (!TryNumber(query, "top", int.MaxValue, out var top)) return RestResult.BadRequest("top is a number from 1.", "top");
        var after = query["continuationToken"].LastOrDefault();

        var wanted = Math.Min(pageSize ?? MaxPageSize, top ?? int.MaxValue);
        var rest = hub.Group(group)
            .Where(connection => after is null || string.CompareOrdinal(connection.Id, after) > 0)
            .OrderBy(connection => connection.Id, StringComparer.Ordinal)
            .Take(wanted + 1)
            .ToList();
        var page = rest.Take(wanted).Select(connection => new Member(connection.Id, connection.UserId)).ToList();
        var left = top - page.Count;
        var nextLink = rest.Count > page.Count && left is null or > 0 ? NextLink(request, path, page[^1].ConnectionId, pageSize, left) : null;
        return new RestResult(200, Json: JsonSerializer.SerializeToUtf8Bytes(new Page(page, nextLink), GroupListingJson.Default.Page));
    }

    private static bool TryNumber(IQueryCollection query, string name, int max, out int? number)
    {
        number = null;
        if (query[name].LastOrDefault() is not { Length: > 0 } text) return true;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value < 1 || value > max) return false;
        number = value;
        return true;
    }

    private static string NextLink(HttpRequest request, string path, string last, int? pageSize, int? top)
        => $"{request.Scheme}://{request.Host}{path}?api-version={Uri.EscapeDataString(request.Query["api-version"].LastOrDefault() ?? RestEndpoint.LatestVersion)}"
            + (pageSize is null ? "" : $"&maxpagesize={pageSize}") + (top is null ? "" : $"&top={top}")
            + $"&continuationToken={Uri.EscapeDataString(last)}";

    internal sealed record Member(string ConnectionId, string? UserId);

    internal sealed record Page(IReadOnlyList<Member> Value, string? NextLink);
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GroupListing.Page))]
internal sealed partial class GroupListingJson : JsonSerializerContext;
