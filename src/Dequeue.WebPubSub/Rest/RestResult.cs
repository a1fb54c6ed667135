namespace Dequeue.WebPubSub.Rest;

/// <summary>The answer to a REST call: a status, with an error or with JSON content.</summary>
internal sealed record RestResult(int Status, RestError? Error = null, byte[]? Json = null)
{
    /// <summary>200.</summary>
    public static RestResult Ok { get; } = new(200);

    /// <summary>202: taken, not yet delivered.</summary>
    public static RestResult Accepted { get; } = new(202);

    /// <summary>204.</summary>
    public static RestResult NoContent { get; } = new(204);

    /// <summary>401.</summary>
    public static RestResult Unauthorized { get; } = new(401, new RestError("Error.Unauthorized", "The access token is missing, not valid or not for this request.", null));

    /// <summary>400.</summary>
    public static RestResult BadRequest(string message, string? target = null) => new(400, new RestError("Error.BadRequest", message, target));

    /// <summary>404 with a code of the thing that is not there.</summary>
    public static RestResult NotFound(string code, string message, string? target = null) => new(404, new RestError(code, message, target));

    /// <summary>200 when it is there, else 404.</summary>
    public static RestResult Exists(bool there, string code, string message, string target) => there ? Ok : NotFound(code, message, target);
}

/// <summary>Body of a failed call; the code is also the header <c>x-ms-error-code</c>.</summary>
internal sealed record RestError(string Code, string Message, string? Target)
{
    /// <summary>Always null: no call fails in parts.</summary>
    public object? Details { get; }

    /// <summary>Always null.</summary>
    public object? Inner { get; }
}
