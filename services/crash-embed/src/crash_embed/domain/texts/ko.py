"""The dialog in Korean."""

TEXTS = {
    "title": "오류가 발생했습니다",
    "subtitle": "개발팀에 오류가 보고되었습니다.",
    "subtitle2": "어떤 일이 있었는지 알려 주시면 더 빨리 해결할 수 있습니다.",
    "labelName": "이름",
    "labelEmail": "이메일",
    "labelComments": "어떤 일이 있었나요?",
    "labelClose": "닫기",
    "labelSubmit": "보고서 보내기",
    "errorGeneric": "보고서를 보내지 못했습니다. 작성한 내용은 그대로 있으니 다시 시도해 주세요.",
    "errorBusy": (
        "지금은 보고서가 너무 많이 들어오고 있습니다. 작성한 내용은 그대로 있으니 1분 뒤에 다시 시도해 주세요."
    ),
    "errorFormEntry": "고쳐야 할 항목이 있습니다. 수정한 뒤 다시 보내 주세요.",
    "successMessage": "감사합니다! 보고서를 보냈습니다.",
    "placeholderName": "김하나",
    "placeholderEmail": "hana@example.com",
    "placeholderComments": "‘저장’을 누르자 화면이 하얗게 변했습니다.",
    "optional": "선택",
    "sending": "보내는 중…",
    "fieldRequired": "이 항목을 입력해 주세요.",
    "fieldEmail": "hana@example.com 같은 형식으로 입력해 주세요.",
    "fieldLong": "{max}자 이내로 입력해 주세요.",
    "fieldInvalid": "이 항목을 확인해 주세요.",
    "branding": "오류 보고서: Hearback",
}
