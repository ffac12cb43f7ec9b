using System.Text.Json;
using System.Text.Json.Serialization;
using Settlement.Gateway.Http.Batches;
using Settlement.Gateway.Http.Webhooks;

namespace Settlement.Gateway.Http.Answers;

/// <summary>Every type that the API reads and writes, in snake case, by generated code. Unknown and doubled members of a request are refused: a misspelt field of a payment must not count as left away.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ProblemAnswer))]
[JsonSerializable(typeof(LedgerAnswer))]
[JsonSerializable(typeof(WalletAnswer))]
[JsonSerializable(typeof(WalletList))]
[JsonSerializable(typeof(WalletRequest))]
[JsonSerializable(typeof(BalancesAnswer))]
[JsonSerializable(typeof(PaymentRequest))]
[JsonSerializable(typeof(PaymentRequest[]))]
[JsonSerializable(typeof(PaymentVerdict))]
[JsonSerializable(typeof(PaymentVerdictList))]
[JsonSerializable(typeof(PaymentAnswer))]
[JsonSerializable(typeof(StatementAnswer))]
[JsonSerializable(typeof(BatchAnswer))]
[JsonSerializable(typeof(BatchList))]
[JsonSerializable(typeof(RuleText))]
[JsonSerializable(typeof(ParticipantList))]
[JsonSerializable(typeof(ParticipantRequest))]
[JsonSerializable(typeof(CurrencyRequest))]
[JsonSerializable(typeof(SessionRequest))]
[JsonSerializable(typeof(SessionAnswer))]
[JsonSerializable(typeof(KeyRequest))]
[JsonSerializable(typeof(MandateRequest))]
[JsonSerializable(typeof(ConsentRequest))]
[JsonSerializable(typeof(StatusRequest))]
[JsonSerializable(typeof(CommandAnswer))]
[JsonSerializable(typeof(WebhookRequest))]
[JsonSerializable(typeof(WebhookAnswer))]
[JsonSerializable(typeof(WebhookList))]
[JsonSerializable(typeof(WebhookState))]
[JsonSerializable(typeof(WebhookEvent))]
[JsonSerializable(typeof(DeadLetterList))]
internal sealed partial class HttpJson : JsonSerializerContext;
