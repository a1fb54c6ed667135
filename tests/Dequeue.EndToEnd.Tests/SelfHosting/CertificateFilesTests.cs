using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dequeue.Cli.Serving;
using Dequeue.Functions.Configuration;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.EndToEnd.Tests.SelfHosting;

public sealed class CertificateFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dequeue-certificate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Pem_in_two_files_or_in_one_encrypted_or_not_and_pfx_are_read()
    {
        var its = new SelfSigned(_folder);
        var both = Write("both.pem", File.ReadAllText(its.File) + "\n" + File.ReadAllText(its.KeyFile));
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(its.KeyFile));
        var encrypted = Write("encrypted.pem", key.ExportEncryptedPkcs8PrivateKeyPem(SelfSigned.Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1_000)));

        foreach (var (file, keyFile, password) in new (string, string?, string?)[]
        {
            (its.File, its.KeyFile, null), (both, null, null), (its.File, encrypted, its.PasswordFile), (its.Pfx, null, its.PasswordFile),
        })
            Assert.Equal(its.Thumbprint, Open(file, keyFile, password).Current().TargetCertificate.Thumbprint);
    }

    [Fact]
    public void The_chain_behind_a_certificate_is_sent_along()
    {
        using var root = Issue("root", null);
        using var intermediate = Issue("intermediate", root);
        using var own = Issue("server", intermediate);
        var chain = Write("chain.pem", own.ExportCertificatePem() + "\n" + intermediate.ExportCertificatePem());
        using var key = own.GetECDsaPrivateKey()!;
        var keyFile = Write("chain-key.pem", key.ExportPkcs8PrivateKeyPem());

        var current = Open(chain, keyFile, null).Current();
        Assert.Equal(own.Thumbprint, current.TargetCertificate.Thumbprint);
        Assert.Equal([intermediate.Thumbprint], current.IntermediateCertificates.Select(one => one.Thumbprint));
    }

    [Fact]
    public void What_cannot_be_used_is_said_in_one_sentence()
    {
        var its = new SelfSigned(_folder);
        var other = new SelfSigned(Directory.CreateDirectory(Path.Combine(_folder, "other")).FullName);
        var junk = Write("junk", "no certificate at all");
        var missing = Path.Combine(_folder, "missing.pem");
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(its.KeyFile));
        var encrypted = Write("encrypted.pem", key.ExportEncryptedPkcs8PrivateKeyPem("another", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1_000)));

        foreach (var (file, keyFile, password, why) in new (string, string?, string?, string)[]
        {
            (missing, null, null, "Could not find file"),
            (its.File, null, null, "no private key: name its file with --certificate-key."),
            (its.File, missing, null, "Could not find file"),
            (its.File, other.KeyFile, null, "the key is another certificate's."),
            (its.File, encrypted, null, "name the file that holds it with --certificate-password-file."),
            (its.File, encrypted, its.PasswordFile, "password"),
            (its.Pfx, null, null, "neither PEM nor a PFX without a password."),
            (its.Pfx, null, junk, "neither PEM nor a PFX that this password opens."),
            (junk, null, null, "neither PEM nor a PFX without a password."),
            (its.KeyFile, null, null, "CERTIFICATE"),
        })
        {
            var said = Assert.Throws<SettingsException>(() => Open(file, keyFile, password)).Message;
            Assert.StartsWith($"The certificate {file} cannot be used: ", said, StringComparison.Ordinal);
            Assert.Contains(why, said, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', said);
            Assert.DoesNotContain(SelfSigned.Password, said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_renewed_certificate_is_taken_and_half_a_file_is_not()
    {
        var clock = new FakeTimeProvider();
        var first = new SelfSigned(_folder);
        var files = CertificateFiles.Open(first.File, first.KeyFile, null, clock);

        File.WriteAllText(first.File, "-----BEGIN CERTIFICATE-----\nMI");
        File.SetLastWriteTimeUtc(first.File, new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(first.Thumbprint, files.Current().TargetCertificate.Thumbprint);

        var second = new SelfSigned(_folder);
        Assert.Equal(first.Thumbprint, files.Current().TargetCertificate.Thumbprint);
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(second.Thumbprint, files.Current().TargetCertificate.Thumbprint);
    }

    private static CertificateFiles Open(string file, string? keyFile, string? passwordFile) => CertificateFiles.Open(file, keyFile, passwordFile, TimeProvider.System);

    private static X509Certificate2 Issue(string name, X509Certificate2? issuer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(name != "server", false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = TimeProvider.System.GetUtcNow();
        if (issuer is null) return request.CreateSelfSigned(now.AddDays(-2), now.AddDays(30));
        using var issued = request.Create(issuer, now.AddDays(-1), now.AddDays(20), Guid.CreateVersion7().ToByteArray());
        return issued.CopyWithPrivateKey(key);
    }

    private string Write(string name, string text)
    {
        var file = Path.Combine(_folder, name);
        File.WriteAllText(file, text);
        return file;
    }
}
