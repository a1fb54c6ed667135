using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Dequeue.EndToEnd.Tests.SelfHosting;

/// <summary>A certificate that nobody signed, in files of a folder, for localhost, sync.example and some addresses.</summary>
internal sealed class SelfSigned
{
    public const string Password = "correct-horse";

    public SelfSigned(string folder, params string[] addresses)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=sync.example", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in new[] { "localhost", "sync.example" }) names.AddDnsName(name);
        foreach (var address in addresses.Prepend("127.0.0.1")) names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        (File, KeyFile, Pfx, PasswordFile) =
            (Path.Combine(folder, "fullchain.pem"), Path.Combine(folder, "privkey.pem"), Path.Combine(folder, "server.pfx"), Path.Combine(folder, "password"));
        Thumbprint = certificate.Thumbprint;
        System.IO.File.WriteAllText(File, certificate.ExportCertificatePem());
        System.IO.File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
        System.IO.File.WriteAllBytes(Pfx, certificate.Export(X509ContentType.Pfx, Password));
        System.IO.File.WriteAllText(PasswordFile, Password + "\n");
    }

    public string File { get; }

    public string KeyFile { get; }

    public string Pfx { get; }

    public string PasswordFile { get; }

    public string Thumbprint { get; }

    /// <summary>What makes a <c>dequeue</c> process trust it.</summary>
    public Dictionary<string, string> Trusted => new() { ["SSL_CERT_FILE"] = File };

    /// <summary>Takes this certificate, for whatever name.</summary>
    public SocketsHttpHandler Handler() => new()
    {
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is X509Certificate2 its && its.Thumbprint == Thumbprint },
    };
}
